import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { findConnection } from '../../../storage/connections.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import { client_id, type Company, openCompany } from '../../support/company.ts'
import { openConnection } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'

type Claims = Record<string, unknown>
const event = 'http://schemas.openid.net/event/backchannel-logout'
const seconds = () => Math.floor(Date.now() / 1000)

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name))

describe('back-channel logout on two replicas', () => {
  let company: Company
  let lenient: Company
  let system: Replicas
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url, { settings: { idp_logout_ends: 'connections' } })
        lenient = await openCompany(url, { id: 'lenient' })
        return { identity_providers: [company.setting, lenient.setting] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
  })

  afterAll(async () => {
    await system.close()
    await Promise.all([company.close(), lenient.close()])
  })

  const valid = (at: Company = company): Claims => ({
    iss: at.issuer,
    aud: client_id,
    iat: seconds(),
    exp: seconds() + 120,
    jti: randomUUID(),
    sub: 'dev-alice',
    events: { [event]: {} },
  })

  async function deliver(
    logout_token: string | undefined,
    { at = one, idp = 'dev' }: { at?: Replica; idp?: string } = {},
  ) {
    const response = await fetch(`${at.url}/backchannel-logout/${idp}`, {
      method: 'POST',
      body: new URLSearchParams(logout_token === undefined ? {} : { logout_token }),
    })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    return { status: response.status, says: text }
  }

  const signedIn = (user: string, idp = 'dev') => openConnection(system.url, user, {}, {}, idp)

  const connection = (id: string) =>
    system.db.selectFrom('connections').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

  const sessions = async (user_id: string) =>
    (
      await system.db
        .selectFrom('oidc_records')
        .select('model')
        .where('user_id', '=', user_id)
        .execute()
    ).length

  /** The identity provider's own id of the session in which this was approved. */
  const idpSession = async (id: string) => {
    const ring = parseKeyRing(String(system.settings.storage_keys))
    const { profile } = (await findConnection({ db: system.db, ring }, id)) ?? {}
    expect(profile?.idp_sid).toBeDefined()
    return profile?.idp_sid
  }

  const admitted = async (at: Replica, { access_token }: { access_token: string }) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  it('T08 ends the connections and browser sessions of that person, everywhere', async () => {
    const [first, second, bob] = [
      await signedIn('alice@acme.example'),
      await signedIn('alice@acme.example'),
      await signedIn('bob@acme.example'),
    ]
    const { user_id } = await connection(first.connection_id)
    expect(await sessions(user_id)).toBe(2)
    for (const at of [one, other])
      for (const who of [first, second, bob]) expect(await admitted(at, who)).toBe(200)
    expect(await deliver(await company.sign(valid()))).toEqual({ status: 200, says: '' })
    for (const who of [first, second])
      expect(await connection(who.connection_id)).toMatchObject({
        status: 'ended',
        ended_reason: 'idp_logout',
      })
    expect(await sessions(user_id)).toBe(0)
    for (const at of [one, other]) {
      for (const who of [first, second]) await expectSoon(() => admitted(at, who), 401)
      expect(await admitted(at, bob)).toBe(200)
    }
    const events = await system.db
      .selectFrom('audit_events')
      .select(['connection_id', 'reason'])
      .where('user_id', '=', user_id)
      .where('type', 'in', ['revocation', 'logout'])
      .execute()
    expect(events.map(({ reason }) => reason).sort()).toEqual([
      'idp_logout',
      'idp_logout',
      'idp_logout: 2 browser sessions',
    ])
  })

  it('T08 leaves connections alone where the provider is configured so', async () => {
    const alice = await signedIn('alice@acme.example', 'lenient')
    const { user_id } = await connection(alice.connection_id)
    expect(await sessions(user_id)).toBe(1)
    const logout = await lenient.sign(valid(lenient))
    expect(await deliver(logout, { idp: 'lenient' })).toEqual({ status: 200, says: '' })
    expect(await sessions(user_id)).toBe(0)
    expect(await connection(alice.connection_id)).toMatchObject({ status: 'active' })
  })

  it('T08 by session id alone ends what was signed in during that session', async () => {
    const alice = await signedIn('alice@acme.example')
    const again = await signedIn('alice@acme.example')
    const sid = await idpSession(alice.connection_id)
    expect(await idpSession(again.connection_id)).not.toBe(sid)
    const logout = { ...without(valid(), 'sub'), sid }
    expect((await deliver(await company.sign(logout))).status).toBe(200)
    expect(await connection(alice.connection_id)).toMatchObject({ status: 'ended' })
    expect(await connection(again.connection_id)).toMatchObject({ status: 'active' })
  })

  it('T08 the same token counts once, delivered again or to both replicas at once', async () => {
    const logout = await company.sign(valid())
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => deliver(logout, { at: index % 2 ? one : other })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await deliver(logout)).says).toContain('used before')
  })

  const defects: readonly [string, (claims: Claims) => Claims, Claims?][] = [
    ['another issuer', claims => ({ ...claims, iss: 'https://evil.example' })],
    ['another audience', claims => ({ ...claims, aud: 'somebody' })],
    ['several audiences', claims => ({ ...claims, aud: [client_id, 'somebody'] })],
    ['no event', claims => without(claims, 'events')],
    ['another event', claims => ({ ...claims, events: { 'http://example/other': {} } })],
    ['an event that is no object', claims => ({ ...claims, events: { [event]: true } })],
    ['a nonce', claims => ({ ...claims, nonce: 'n' })],
    ['neither sub nor sid', claims => without(claims, 'sub')],
    ['no jti', claims => without(claims, 'jti')],
    ['no iat', claims => without(claims, 'iat')],
    ['no exp', claims => without(claims, 'exp')],
    ['an exp that is over', claims => ({ ...claims, exp: seconds() - 120 })],
    ['an iat of long ago', claims => ({ ...claims, iat: seconds() - 900 })],
    ['an iat to come', claims => ({ ...claims, iat: seconds() + 900 })],
    ['the type of an access token', claims => claims, { typ: 'at+jwt' }],
    ['an unknown key', claims => claims, { kid: 'unknown' }],
  ]

  it.each(defects.map(([name, change, header = {}]) => ({ name, change, header })))(
    'T08 refuses a token with $name',
    async ({ change, header }) => {
      const bob = await signedIn('bob@acme.example')
      const claims = { ...valid(), sub: 'dev-bob' }
      const { status, says } = await deliver(await company.sign(change(claims), header))
      expect([status, JSON.parse(says)]).toMatchObject([400, { error: 'invalid_request' }])
      expect(await connection(bob.connection_id)).toMatchObject({ status: 'active' })
      // The same token without that defect does end it.
      expect((await deliver(await company.sign(claims))).status).toBe(200)
      expect(await connection(bob.connection_id)).toMatchObject({ status: 'ended' })
    },
  )

  it('T08 refuses unsigned, truncated and foreign tokens, and requests without one', async () => {
    const genuine = await company.sign(valid())
    const [, payload = ''] = genuine.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const forged of [
      `${none}.${payload}.`,
      genuine.slice(0, -8),
      await lenient.sign(valid()),
      'not a token',
      '',
      undefined,
    ])
      expect((await deliver(forged)).status).toBe(400)
    expect((await deliver(genuine, { idp: 'lenient' })).status).toBe(400)
    expect((await deliver(genuine, { idp: 'nobody' })).status).toBe(404)
  })
})

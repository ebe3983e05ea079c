import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { register } from '../../support/authorization-server.ts'
import { type Company, openCompany } from '../../support/company.ts'
import { openConnection, type OpenConnection, refresh } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'
import { claimsOf } from '../../support/token-claims.ts'

const resource_server = { id: 'billing', secret: 'a-secret-of-at-least-32-characters' }

describe('revocation and introspection on two replicas', () => {
  let company: Company
  let system: Replicas
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting], resource_servers: [resource_server] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
  })

  afterAll(async () => {
    await system.close()
    await company.close()
  })

  const signedIn = (parameters = {}) => openConnection(system.url, undefined, parameters)

  async function post(path: string, parameters: Record<string, string>, headers = {}) {
    const body = new URLSearchParams(parameters)
    const response = await fetch(`${one.url}${path}`, { method: 'POST', headers, body })
    const text = await response.text()
    return { status: response.status, body: text && (JSON.parse(text) as object) }
  }

  const revoke = (client_id: string, value: string, hints: Record<string, string> = {}) =>
    post('/revoke', { client_id, token: value, ...hints })

  const introspect = async (value: string, { id, secret } = resource_server) => {
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    return post('/introspect', { token: value }, { authorization })
  }

  const admitted = async (at: Replica, { access_token }: OpenConnection) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  const rowOf = ({ connection_id }: OpenConnection) =>
    system.db
      .selectFrom('connections')
      .select(['status', 'ended_reason'])
      .where('id', '=', connection_id)
      .executeTakeFirstOrThrow()

  it.each<[string, (who: OpenConnection) => Promise<string> | string, Record<string, string>]>([
    ['its access token', who => who.access_token, {}],
    [
      'its access token, with a wrong hint',
      who => who.access_token,
      { token_type_hint: 'refresh_token' },
    ],
    ['its refresh token', who => who.refresh_token, {}],
    ['its refresh token, with an unknown hint', who => who.refresh_token, { token_type_hint: 'x' }],
    [
      'a refresh token that was rotated',
      async who => {
        expect((await refresh(other, who)).status).toBe(200)
        return who.refresh_token
      },
      {},
    ],
  ])(
    'T07 a client that revokes %s ends the connection on both replicas',
    async (_, which, hint) => {
      const who = await signedIn()
      for (const at of [one, other]) expect(await admitted(at, who)).toBe(200)
      const value = await which(who)
      expect(await revoke(who.client_id, value, hint)).toEqual({ status: 200, body: '' })
      expect(await rowOf(who)).toEqual({ status: 'ended', ended_reason: 'client_revoked' })
      for (const at of [one, other]) await expectSoon(() => admitted(at, who), 401)
      expect((await refresh(other, who)).body.error).toBe('invalid_grant')
      expect((await introspect(who.access_token)).body).toEqual({ active: false })
      const events = await system.db
        .selectFrom('audit_events')
        .select(['reason', 'outcome', 'email'])
        .where('connection_id', '=', who.connection_id)
        .where('type', '=', 'revocation')
        .execute()
      expect(events).toEqual([
        { reason: 'client_revoked', outcome: 'ok', email: 'alice@acme.example' },
      ])
    },
  )

  it("T07 another client's tokens, forged and unknown ones get 200, and nothing ends", async () => {
    const who = await signedIn()
    const stranger = await register(system.url, { client_name: 'A stranger' })
    const [head = '', payload = '', signature = ''] = who.access_token.split('.')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    for (const [client_id, value] of [
      [stranger.client_id, who.access_token],
      [stranger.client_id, who.refresh_token],
      [who.client_id, `${head}.${payload}.${signature.split('').reverse().join('')}`],
      [who.client_id, `${none}.${payload}.`],
      [who.client_id, 'unknown'],
    ] as const)
      expect(await revoke(client_id, value)).toEqual({ status: 200, body: '' })
    expect(await rowOf(who)).toMatchObject({ status: 'active' })
    expect((await refresh(other, who)).status).toBe(200)
  })

  it('T07 a client that is not who it says it is revokes nothing', async () => {
    const who = await signedIn()
    expect((await revoke('unknown', who.access_token)).status).toBe(401)
    expect((await post('/revoke', { token: who.access_token })).status).toBe(400)
    expect(await rowOf(who)).toMatchObject({ status: 'active' })
  })

  it('T09 a resource server learns what an access token stands for', async () => {
    const who = await signedIn()
    const claims = claimsOf(who.access_token)
    const { status, body } = await introspect(who.access_token)
    expect(status).toBe(200)
    expect(body).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: system.url,
      aud: `${system.url}/mcp`,
      sid: who.connection_id,
      org_id: 'acme',
      client_id: who.client_id,
      scope: 'mcp:tools',
      sub: claims.sub,
      jti: claims.jti,
      exp: claims.exp,
      iat: claims.iat,
    })
  })

  it('T09 a refresh token is active until it is used or revoked', async () => {
    const who = await signedIn()
    expect((await introspect(who.refresh_token)).body).toMatchObject({
      active: true,
      client_id: who.client_id,
    })
    await refresh(other, who)
    expect((await introspect(who.refresh_token)).body).toEqual({ active: false })
  })

  it('T09 says nothing about what is not an active token of ours', async () => {
    const { id_token = '', ...who } = await signedIn({ scope: 'openid mcp:tools' })
    expect(id_token).not.toBe('')
    for (const value of [id_token, 'unknown', `${who.access_token}x`])
      expect((await introspect(value)).body).toEqual({ active: false })
  })

  it('T09 nobody else is told anything', async () => {
    const who = await signedIn()
    expect(
      (await introspect(who.access_token, { id: 'billing', secret: 'x'.repeat(32) })).status,
    ).toBe(401)
    const own = await post('/introspect', { client_id: who.client_id, token: who.access_token })
    expect(own.body).toEqual({ active: false })
    expect((await post('/introspect', { token: who.access_token })).status).toBe(400)
  })

  it('T09 a resource server gets no tokens itself', async () => {
    const { id, secret } = resource_server
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const { status } = await post('/token', { grant_type: 'client_credentials' }, { authorization })
    expect(status).toBe(400)
  })

  it('D02 the endpoint is advertised', async () => {
    const response = await fetch(`${one.url}/.well-known/oauth-authorization-server`)
    expect(await response.json()).toMatchObject({
      introspection_endpoint: `${system.url}/introspect`,
    })
  })
})

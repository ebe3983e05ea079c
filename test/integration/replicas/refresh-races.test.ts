import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { openDatabase } from '../../../storage/database.ts'
import { keepHouse } from '../../../storage/housekeeping.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import { revokeConnections } from '../../../storage/revoke-connections.ts'
import type { Store } from '../../../storage/store.ts'
import { client_id as gateway, type Company, openCompany } from '../../support/company.ts'
import { openConnection, type OpenConnection, refresh } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'
import { claimsOf } from '../../support/token-claims.ts'

const alice = 'alice@acme.example'

describe('a connection that ends while its identity provider is being asked', () => {
  let company: Company
  let system: Replicas
  let store: Store
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url, { settings: { idp_logout_ends: 'connections' } })
        return { identity_providers: [company.setting] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
    const ring = parseKeyRing(String(system.settings.storage_keys))
    store = { db: openDatabase(system.database_url), ring }
  })

  afterAll(async () => {
    await store.db.destroy()
    await system.close()
    await company.close()
  })

  async function signedIn(user = alice) {
    const held = await openConnection(system.url, user)
    await system.db
      .updateTable('connections')
      .set({ idp_asked_at: sql<Date>`now() - interval '61 s'` })
      .where('id', '=', held.connection_id)
      .execute()
    return held
  }

  const rowOf = ({ connection_id }: OpenConnection) =>
    system.db
      .selectFrom('connections')
      .selectAll()
      .where('id', '=', connection_id)
      .executeTakeFirstOrThrow()

  const recordsOf = async ({ connection_id }: OpenConnection) =>
    (
      await system.db
        .selectFrom('oidc_records')
        .select('model')
        .where('grant_id', '=', connection_id)
        .execute()
    ).map(({ model }) => model)

  const endsOf = async ({ connection_id }: OpenConnection) =>
    (
      await system.db
        .selectFrom('audit_events')
        .select('reason')
        .where('connection_id', '=', connection_id)
        .where('type', '=', 'revocation')
        .execute()
    ).map(({ reason }) => reason)

  const admitted = async (at: Replica, { access_token }: OpenConnection) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  /** Does this once the identity provider was asked about a refresh, and lets it answer after that. */
  async function whileAsked(who: OpenConnection, work: () => Promise<unknown>) {
    const asked = Promise.withResolvers<undefined>()
    const gate = Promise.withResolvers<undefined>()
    company.gate = gate.promise
    company.trouble = ({ url }) => {
      if (url === '/token') asked.resolve(undefined)
      return undefined
    }
    const answer = refresh(one, who)
    await asked.promise
    try {
      await work()
    } finally {
      Object.assign(company, { gate: undefined, trouble: undefined })
      gate.resolve(undefined)
    }
    return answer
  }

  async function backchannelLogout(): Promise<void> {
    const now = Math.floor(Date.now() / 1000)
    const logout_token = await company.sign({
      iss: company.issuer,
      aud: gateway,
      iat: now,
      exp: now + 120,
      jti: randomUUID(),
      sub: 'dev-alice',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    const body = new URLSearchParams({ logout_token })
    const url = `${other.url}/backchannel-logout/dev`
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200)
  }

  async function clientRevokes({ client_id, refresh_token }: OpenConnection): Promise<void> {
    const body = new URLSearchParams({ client_id, token: refresh_token })
    expect((await fetch(`${other.url}/revoke`, { method: 'POST', body })).status).toBe(200)
  }

  async function userRevokes({ connection_id, access_token }: OpenConnection): Promise<void> {
    const by = { kind: 'user', user_id: String(claimsOf(access_token).sub) } as const
    const revocation = { selector: { id: connection_id }, by }
    for await (const batch of revokeConnections(store, revocation)) expect(batch).toHaveLength(1)
  }

  async function timeRunsOut({ connection_id }: OpenConnection): Promise<void> {
    await system.db
      .updateTable('connections')
      .set({ expires_at: sql<Date>`now() - interval '1 ms'` })
      .where('id', '=', connection_id)
      .execute()
    // The gateway's own housekeeping may be at it at this moment.
    const { signal } = new AbortController()
    await keepHouse(system.db, { batch: 100, retention: 3600, signal })
    await expectSoon(async () => (await rowOf({ connection_id } as OpenConnection)).status, 'ended')
  }

  it.each<[string, (who: OpenConnection) => Promise<void>, string, readonly string[]]>([
    ['by the client', clientRevokes, 'client_revoked', ['client_revoked']],
    ['by the user', userRevokes, 'user_revoked', ['user_revoked']],
    ['by the sign-out', backchannelLogout, 'idp_logout', ['idp_logout']],
    ['by time', timeRunsOut, 'expired', []],
  ])('T07 T08 %s has ended, whatever the provider says', async (_, end, reason, events) => {
    const who = await signedIn()
    const asked_before = company.refreshes
    const { status, body } = await whileAsked(who, () => end(who))
    expect(company.refreshes).toBe(asked_before + 1)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(await rowOf(who)).toMatchObject({
      status: 'ended',
      ended_reason: reason,
      idp_refresh_token: null,
      lease_holder: null,
    })
    expect(await endsOf(who)).toEqual(events)
    for (const at of [one, other]) {
      await expectSoon(() => admitted(at, who), 401)
      expect((await refresh(at, who)).body.error).toBe('invalid_grant')
    }
    if (reason !== 'expired') expect(await recordsOf(who)).toEqual([])
  })

  it('T08 of a refusal and a revocation at once the first is the reason, and there is one event', async () => {
    const who = await signedIn('bob@acme.example')
    const { status, body } = await whileAsked(who, async () => {
      company.dismiss('bob@acme.example')
      await clientRevokes(who)
    })
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(await rowOf(who)).toMatchObject({ status: 'ended', ended_reason: 'client_revoked' })
    expect(await endsOf(who)).toEqual(['client_revoked'])
  })

  it('T03 T07 refreshes and revocations of one connection in any order leave nothing that is good', async () => {
    for (const turn of [0, 1, 2, 3, 4, 5]) {
      const who = await signedIn()
      const work = [
        () => refresh(one, who),
        () => refresh(other, who),
        () => clientRevokes(who),
        () => refresh(one, who),
        () => refresh(other, who),
      ]
      const order = work.map((_, index) => work[(index + turn) % work.length])
      const answers = await Promise.all(order.map(async run => run?.()))
      const given = answers.flatMap(answer => (answer?.status === 200 ? [answer.body] : []))
      for (const answer of answers) if (answer) expect([200, 400]).toContain(answer.status)
      for (const at of [one, other])
        for (const tokens of [who, ...given]) {
          const late = { ...who, ...tokens }
          await expectSoon(() => admitted(at, late), 401)
          expect((await refresh(at, late)).body.error).toBe('invalid_grant')
        }
      expect(await endsOf(who)).toEqual(['client_revoked'])
      expect((await rowOf(who)).idp_refresh_token).toBeNull()
    }
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type KyselyPlugin, sql } from 'kysely'
import { takeLease } from '../../../storage/connection-lease.ts'
import { createConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { decideClient } from '../../../storage/org-clients.ts'
import { consumeRecord, findRecord, upsertRecord } from '../../../storage/records.ts'
import { readRefreshState } from '../../../storage/refresh-state.ts'
import { rotateRefreshToken } from '../../../storage/rotate-refresh-token.ts'
import type { Store } from '../../../storage/store.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const expires_at = new Date(Date.now() + 3_600_000)
const keys = { grant_id: 'c1', expires_at }
const connection = {
  id: 'c1',
  user_id: 'usr_alice',
  org_id: 'acme',
  client_id: 'client',
  idp_id: 'okta',
  expires_at,
  profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: 's' },
}
const event = { type: 'refresh', outcome: 'ok', connection_id: 'c1', org_id: 'acme' } as const

let test: TestStore
let store: Store

beforeAll(async () => {
  test = await createTestStore()
  store = test.store
})
afterAll(() => test.close())

beforeEach(async () => {
  for (const table of ['connections', 'oidc_records', 'client_decisions', 'audit_events'] as const)
    await test.db.deleteFrom(table).execute()
  await createConnection(store, connection)
  await upsertRecord(store, 'RefreshToken', 'token', { n: 1, grantId: 'c1' }, keys)
  await upsertRecord(store, 'Grant', 'c1', { grant: true }, { expires_at })
  await upsertRecord(store, 'Client', 'client', { client: true }, {})
})

const set = (changes: object, id = 'c1') =>
  test.db.updateTable('connections').set(changes).where('id', '=', id).execute()

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('what is read of refreshes that come at once', () => {
  /** The store, with `hear` told of each answer of PostgreSQL before anybody else is. */
  const heard = (hear: () => Promise<void> | undefined): Store => {
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        await hear()
        return result
      },
    }
    return { ...store, db: test.db.withPlugin(plugin) }
  }
  const described = async (at: Store, token: string) => {
    const state = await readRefreshState(at, token)
    if (!state) return undefined
    const connection = state.connection()
    return [
      ...[state.token.payload.n, state.token.consumed_at !== undefined, state.decision],
      ...[connection?.id, connection?.profile.email],
      state.record('Grant', `many-${String(state.token.payload.n)}`)?.payload.n,
      state.record('Client', `client-${String(state.token.payload.n)}`)?.payload.n,
    ]
  }

  it('T03 is told to each of its own token, whoever else asks and how often', async () => {
    const many = numbers(100)
    for (const n of many) {
      const [id, client_id] = [`many-${n}`, `client-${n}`]
      const profile = { email: `${n}@acme.example`, roles: [], idp_sub: 's' }
      await createConnection(store, { ...connection, id, client_id, profile })
      await upsertRecord(store, 'RefreshToken', `token-${n}`, { n, grantId: id }, { grant_id: id })
      // Of a part of them something is missing, so that no row has the place of its question.
      if (n % 3) await upsertRecord(store, 'Grant', id, { n }, {})
      if (n % 4) await upsertRecord(store, 'Client', client_id, { n }, {})
      if (n % 5 === 0)
        await decideClient(
          test.db,
          { org_id: 'acme', client_id },
          { status: 'blocked', decided_by: 'operator' },
        )
      if (n % 7 === 0) await set({ expires_at: new Date(Date.now() - 1) }, id)
      if (n % 11 === 0) await consumeRecord(store, 'RefreshToken', `token-${n}`)
    }
    const asked = [...many, ...many.toReversed(), ...many].flatMap(n => [n, n + 1_000])
    let statements = 0
    const at = heard(() => void (statements += 1))
    const told = await Promise.all(asked.map(n => described(at, `token-${n}`)))
    const expected = asked.map(n => {
      if (n >= 1_000) return undefined
      const there = n % 7 !== 0
      return [
        ...[n, n % 11 === 0, there && n % 5 === 0 ? 'blocked' : undefined],
        ...(there ? [`many-${n}`, `${n}@acme.example`] : [undefined, undefined]),
        n % 3 ? n : undefined,
        there && n % 4 ? n : undefined,
      ]
    })
    expect(told).toEqual(expected)
    expect(statements).toBe(Math.ceil(asked.length / 64))
  })

  it('T08 is what was true when each asked, not what the one before was told', async () => {
    const { promise: answered, resolve: hear } = Promise.withResolvers<undefined>()
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
    const at = heard(() => {
      hear(undefined)
      return released
    })
    const before = readRefreshState(at, 'token')
    await answered
    await endConnection(store, 'c1', 'revoked')
    const after = readRefreshState(at, 'token')
    release(undefined)
    expect((await before)?.connection()?.status).toBe('active')
    expect(await after).toBeUndefined()
  })
})

describe('what is read of a refresh', () => {
  it('is the token, its connection, its grant and its client', async () => {
    const state = await readRefreshState(store, 'token')
    expect(state?.token).toMatchObject({ payload: { n: 1 }, consumed_at: undefined })
    expect(state?.connection()).toEqual({
      ...connection,
      status: 'active',
      created_at: expect.any(Date),
      ended_at: undefined,
      ended_reason: undefined,
      last_used_at: undefined,
    })
    expect(state?.record('RefreshToken', 'token')).toBe(state?.token)
    expect(state?.record('Grant', 'c1')?.payload).toEqual({ grant: true })
    expect(state?.record('Client', 'client')?.payload).toEqual({ client: true })
  })

  it.each([
    ['Grant', 'c2'],
    ['Client', 'another'],
    ['RefreshToken', 'another'],
    ['Session', 'c1'],
  ])('is no %s of another id, nor of another kind', async (model, id) => {
    await upsertRecord(store, model, id, {}, {})
    expect((await readRefreshState(store, 'token'))?.record(model, id)).toBeUndefined()
  })

  it('is nothing of a token that is unknown or has expired', async () => {
    await upsertRecord(store, 'RefreshToken', 'old', {}, { expires_at: new Date(0) })
    expect(await readRefreshState(store, 'old')).toBeUndefined()
    expect(await readRefreshState(store, 'none')).toBeUndefined()
    expect(await readRefreshState(store, 'c1')).toBeUndefined()
  })

  it.each(['Grant', 'Client'])('leaves out an expired %s', async model => {
    const expired = { expires_at: new Date(0) }
    const id = model === 'Grant' ? 'c1' : 'client'
    await upsertRecord(store, model, id, {}, expired)
    const state = await readRefreshState(store, 'token')
    expect(state?.token).toBeDefined()
    expect(state?.record(model, id)).toBeUndefined()
  })

  it('T04 says of a connection that it ended, and knows none past its end', async () => {
    await endConnection(store, 'c1', 'operator')
    await upsertRecord(store, 'RefreshToken', 'token', {}, keys)
    expect((await readRefreshState(store, 'token'))?.connection()).toMatchObject({
      status: 'ended',
      ended_reason: 'operator',
    })
    await set({ expires_at: new Date(Date.now() - 1) })
    expect((await readRefreshState(store, 'token'))?.connection()).toBeUndefined()
  })

  it("has the org's decision about this client, and no other one", async () => {
    const decided_by = 'operator'
    const decide = (org_id: string, client_id: string) =>
      decideClient(test.db, { org_id, client_id }, { status: 'blocked', decided_by })
    await decide('globex', 'client')
    await decide('acme', 'another')
    expect((await readRefreshState(store, 'token'))?.decision).toBeUndefined()
    await decide('acme', 'client')
    expect((await readRefreshState(store, 'token'))?.decision).toBe('blocked')
  })

  it('T05 says whether somebody holds the lease, and when the provider was asked', async () => {
    const before = await readRefreshState(store, 'token')
    expect(before?.leased).toBe(false)
    expect(before?.idp).toEqual({
      can_be_asked: false,
      asked_at: expect.any(Date),
      unavailable_since: undefined,
    })
    await takeLease(store, { connection_id: 'c1', holder: 'me' }, 60)
    expect((await readRefreshState(store, 'token'))?.leased).toBe(true)
    await set({ lease_until: sql`now() - interval '1 ms'`, idp_refresh_token: Buffer.from('x') })
    const after = await readRefreshState(store, 'token')
    expect(after).toMatchObject({ leased: false, idp: { can_be_asked: true } })
  })

  it('K03 opens a profile only when it is asked for', async () => {
    await set({ profile: Buffer.from('nonsense') })
    const state = await readRefreshState(store, 'token')
    expect(() => state?.connection()).toThrow('connections/c1 ')
  })
})

describe('what a refresh writes', () => {
  const successor = { id: 'next', payload: { n: 2, grantId: 'c1' }, keys }
  const replace = () =>
    rotateRefreshToken(store, 'token', successor, { connection_id: 'c1', event })
  const events = () => test.db.selectFrom('audit_events').selectAll().execute()
  const used = () =>
    test.db.selectFrom('connections').select('last_used_at').executeTakeFirstOrThrow()

  it('T03 is the successor, the event and the use of the connection', async () => {
    expect(await replace()).toBe(true)
    expect(await events()).toMatchObject([{ type: 'refresh', connection_id: 'c1' }])
    expect((await used()).last_used_at).toBeInstanceOf(Date)
    const state = await readRefreshState(store, 'token')
    expect(state?.token).toMatchObject({ consumed_at: expect.any(Date), successor: 'next' })
    expect((await findRecord(store, 'RefreshToken', 'next'))?.payload).toMatchObject({ n: 2 })
  })

  it('T03 is for one of twenty, and one event tells of it', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, replace))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await events()).toHaveLength(1)
  })

  it.each([
    ['has ended', { status: 'ended', ended_reason: 'operator', ended_at: new Date() }],
    ['is past its end', { expires_at: new Date(Date.now() - 1) }],
  ])('T04 is nothing when the connection %s', async (_, change) => {
    await set(change)
    expect(await replace()).toBe(false)
    expect(await findRecord(store, 'RefreshToken', 'next')).toBeUndefined()
    expect((await findRecord(store, 'RefreshToken', 'token'))?.consumed_at).toBeUndefined()
    expect(await events()).toEqual([])
  })

  it('T08 is nothing when the token was revoked', async () => {
    await endConnection(store, 'c1', 'operator')
    expect(await replace()).toBe(false)
    expect(await findRecord(store, 'RefreshToken', 'next')).toBeUndefined()
    expect(await events()).toEqual([])
  })

  it('T10 is nothing when the trail cannot be written', async () => {
    await sql`alter table audit_events add constraint no check (type <> 'refresh')`.execute(test.db)
    await expect(replace()).rejects.toThrow()
    await sql`alter table audit_events drop constraint no`.execute(test.db)
    expect((await findRecord(store, 'RefreshToken', 'token'))?.consumed_at).toBeUndefined()
    expect((await used()).last_used_at).toBeNull()
    expect(await replace()).toBe(true)
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type RawBuilder, sql } from 'kysely'
import {
  countActiveConnections,
  createConnection,
  findConnection,
} from '../../../storage/connections.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { CONNECTION_ENDED, endConnection } from '../../../storage/end-connections.ts'
import { keepHouse } from '../../../storage/housekeeping.ts'
import { findRecord, upsertRecord } from '../../../storage/records.ts'
import { toldDuring } from '../../support/notifications.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const day = 86_400_000
const inDays = (days: number) => new Date(Date.now() + days * day)
const nothing = {
  records: 0,
  expired_connections: 0,
  connections: 0,
  approvals: 0,
  signed_in_people: 0,
}
const { signal } = new AbortController()
const options = { batch: 100, retention: 90 * 86_400, signal }

describe('keepHouse', () => {
  let test: TestStore
  let other_replica: Database

  beforeAll(async () => {
    test = await createTestStore()
    other_replica = openDatabase(test.url)
  })

  afterAll(async () => {
    await other_replica.destroy()
    await test.close()
  })

  beforeEach(async () => {
    await sql`truncate connections, oidc_records`.execute(test.db)
  })

  const connect = (id: string, expires_at: Date) =>
    createConnection(test.store, {
      ...{ id, user_id: 'usr_alice', org_id: 'acme', client_id: 'claude', idp_id: 'okta' },
      ...{ expires_at, idp_refresh_token: 'secret' },
      profile: { email: 'alice@acme.example', roles: [], idp_sub: '00u1' },
    })
  const records = (count: number, expires_at: RawBuilder<unknown>) =>
    sql`
      insert into oidc_records (model, id_hash, payload, expires_at)
      select 'Interaction', sha256(('i' || n)::bytea), '\\x00', ${expires_at}
      from generate_series(1, ${count}::int) n`.execute(test.db)
  const left = async () =>
    (await test.db.selectFrom('oidc_records').select('model').execute()).length
  const rows = () =>
    test.db
      .selectFrom('connections')
      .select(['id', 'status', 'ended_reason', 'ended_at', 'idp_refresh_token'])
      .orderBy('id')
      .execute()

  it('K04 removes the records that have expired, and no other', async () => {
    await upsertRecord(test.store, 'Session', 'old', {}, { expires_at: inDays(-0.01) })
    await upsertRecord(test.store, 'Session', 'new', {}, { expires_at: inDays(0.01) })
    await upsertRecord(test.store, 'Client', 'for ever', {}, {})
    expect(await keepHouse(test.db, options)).toEqual({ ...nothing, records: 1 })
    expect(await findRecord(test.store, 'Session', 'new')).toBeDefined()
    expect(await findRecord(test.store, 'Client', 'for ever')).toBeDefined()
    expect(await left()).toBe(2)
    expect(await keepHouse(test.db, options)).toEqual(nothing)
  })

  it('T04 a connection past its end ends, forgets the token of its provider, and is told of', async () => {
    const [past, future] = [inDays(-1), inDays(1)]
    await connect('past', past)
    await connect('present', future)
    expect(await countActiveConnections(test.store)).toBe(1)
    const told = await toldDuring(test.url, CONNECTION_ENDED, async () => {
      expect(await keepHouse(test.db, options)).toEqual({ ...nothing, expired_connections: 1 })
    })
    expect(told).toEqual(['past'])
    expect(await rows()).toEqual([
      {
        ...{ id: 'past', status: 'ended', ended_reason: 'expired', ended_at: past },
        idp_refresh_token: null,
      },
      expect.objectContaining({
        ...{ id: 'present', status: 'active', ended_at: null },
        idp_refresh_token: expect.any(Buffer),
      }),
    ])
    expect(await findConnection(test.store, 'past')).toBeUndefined()
    expect(await findConnection(test.store, 'present')).toMatchObject({ status: 'active' })
    expect(await countActiveConnections(test.store)).toBe(1)
  })

  it('K04 a connection that ended is kept for the retention, counted from when it ended', async () => {
    await connect('revoked today', inDays(30))
    await endConnection(test.store, 'revoked today', 'operator')
    await connect('revoked long ago', inDays(1))
    await endConnection(test.store, 'revoked long ago', 'operator')
    await test.db
      .updateTable('connections')
      .set({ ended_at: inDays(-90.01) })
      .where('id', '=', 'revoked long ago')
      .execute()
    await connect('expired yesterday', inDays(-1))
    await connect('expired long ago', inDays(-91))
    await connect('active', inDays(1))
    expect(await keepHouse(test.db, options)).toMatchObject({
      ...{ expired_connections: 2, connections: 2 },
    })
    expect((await rows()).map(({ id }) => id)).toEqual([
      'active',
      'expired yesterday',
      'revoked today',
    ])
  })

  it('K04 another replica finds the lock taken, and does nothing; nobody else is kept waiting', async () => {
    await records(250, sql`now() - interval '1 s'`)
    await upsertRecord(test.store, 'Session', 'alive', {}, { expires_at: inDays(1) })
    await test.db.transaction().execute(async transaction => {
      expect(await keepHouse(transactionOf(transaction), { ...options, batch: 1_000 })).toEqual({
        ...nothing,
        records: 250,
      })
      expect(await keepHouse(other_replica, options)).toEqual(nothing)
      // And everybody else goes on as ever.
      expect(await findRecord(test.store, 'Session', 'alive')).toBeDefined()
      await upsertRecord(test.store, 'Session', 'alive', {}, { expires_at: inDays(2) })
    })
    expect(await left()).toBe(1)
  })

  it('K04 a replica that dies in the middle leaves neither the lock nor half a batch', async () => {
    await records(250, sql`now() - interval '1 s'`)
    const dying = openDatabase(test.url, { application_name: 'dying', max: 1 })
    await expect(
      dying.transaction().execute(async transaction => {
        await keepHouse(transactionOf(transaction), options)
        await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
          where application_name = 'dying'`.execute(test.db)
        await sql`select 1`.execute(transaction)
      }),
    ).rejects.toThrow()
    await dying.destroy()
    expect(await left()).toBe(250)
    expect(await keepHouse(other_replica, options)).toEqual({ ...nothing, records: 250 })
  })

  it('K04 says what it did before another replica took over', async () => {
    await records(250, sql`now() - interval '1 s'`)
    const batches = await Promise.all(
      [test.db, other_replica, test.db].map(db => keepHouse(db, { ...options, batch: 10 })),
    )
    const done = batches.reduce((sum, batch) => sum + batch.records, 0)
    expect(250 - done).toBe(await left())
  })

  it('K04 stops after the batch under way', async () => {
    await records(250, sql`now() - interval '1 s'`)
    const closing = AbortSignal.abort()
    expect(await keepHouse(test.db, { ...options, signal: closing })).toEqual(nothing)
    expect(await left()).toBe(250)
  })

  it('K04 leaves what somebody else is at for the next round', async () => {
    await records(3, sql`now() - interval '1 s'`)
    await connect('held', inDays(-1))
    await other_replica.transaction().execute(async transaction => {
      await sql`select from oidc_records limit 1 for update`.execute(transaction)
      await sql`select from connections for update`.execute(transaction)
      expect(await keepHouse(test.db, options)).toEqual({ ...nothing, records: 2 })
    })
    expect(await keepHouse(test.db, options)).toMatchObject({ records: 1, expired_connections: 1 })
  })
})

/** Runs in a transaction that is open already, and stays so, what opens one of its own. */
function transactionOf(transaction: Database): Database {
  return new Proxy(transaction, {
    get: (target, name) =>
      name === 'transaction'
        ? () => ({ execute: (work: (db: Database) => Promise<unknown>) => work(target) })
        : (Reflect.get(target, name, target) as unknown),
  })
}

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ControlledTransaction, sql } from 'kysely'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import { createConnection } from '../../../storage/connections.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { findRecord, upsertRecord } from '../../../storage/records.ts'
import { readRefreshState } from '../../../storage/refresh-state.ts'
import { rotateRefreshToken } from '../../../storage/rotate-refresh-token.ts'
import type { Store } from '../../../storage/store.ts'
import type { Tables } from '../../../storage/tables.ts'
import { expectSoon } from '../../support/soon.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const expires_at = new Date(Date.now() + 3_600_000)
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('rotations that share a statement', () => {
  let test: TestStore
  let store: Store
  let db: Database

  beforeAll(async () => {
    test = await createTestStore()
  })
  afterAll(() => test.close())

  beforeEach(async () => {
    for (const table of ['connections', 'oidc_records', 'audit_events'] as const)
      await test.db.deleteFrom(table).execute()
    for (const n of numbers(8)) await add(`c${n}`)
    db = openDatabase(test.url, { max: 10 })
    store = { ...test.store, db }
  })
  afterEach(() => db.destroy())

  /** A connection and its refresh token. */
  async function add(id: string): Promise<void> {
    await createConnection(test.store, {
      ...{ id, user_id: 'usr_alice', org_id: 'acme', client_id: 'client', idp_id: 'okta' },
      ...{ expires_at, profile: { email: 'alice@acme.example', roles: [], idp_sub: 's' } },
    })
    const keys = { grant_id: id, expires_at }
    await upsertRecord(test.store, 'RefreshToken', `${id}-token`, { grantId: id }, keys)
  }

  let made = 0
  const rotate = (
    id: string,
    changes: { event?: AuditEvent; grant_id?: string; at?: Store } = {},
  ) => {
    const { event, grant_id = id, at = store } = changes
    const keys = { grant_id, expires_at }
    const successor = { id: `${id}-next-${made++}`, payload: { grantId: id }, keys }
    return rotateRefreshToken(at, `${id}-token`, successor, {
      connection_id: id,
      event: event ?? { type: 'refresh', outcome: 'ok', connection_id: id },
    })
  }

  const told = (results: PromiseSettledResult<boolean>[]) =>
    results.map(result => (result.status === 'fulfilled' ? result.value : 'failed'))

  const state = async (id: string) => {
    const { rows } = await sql<{ consumed: number; left: number; events: number; used: number }>`
      select
        (select count(consumed_at)::int from oidc_records where grant_id = ${id}) as consumed,
        (select count(*)::int from oidc_records
          where grant_id = ${id} and consumed_at is null) as left,
        (select count(*)::int from audit_events where connection_id = ${id}) as events,
        (select count(last_used_at)::int from connections where id = ${id}) as used
    `.execute(test.db)
    return rows[0]
  }
  const rotated = { consumed: 1, left: 1, events: 1, used: 1 }
  const untouched = { consumed: 0, left: 1, events: 0, used: 0 }

  const commits = async () => {
    const { rows } = await sql<{ commits: number }>`
      select count(distinct xmin::text)::int as commits from audit_events`.execute(test.db)
    return rows[0]?.commits
  }
  const waitForLocks = async () => {
    const { rows } = await sql<{ waiting: number }>`
      select count(*)::int as waiting from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`.execute(test.db)
    return rows[0]?.waiting
  }
  async function whileHeld<T>(
    id: string,
    work: (holder: ControlledTransaction<Tables>) => Promise<T>,
  ): Promise<T> {
    const holder = await test.db.startTransaction().execute()
    await sql`select from connections where id = ${id} for update`.execute(holder)
    try {
      return await work(holder)
    } finally {
      if (!holder.isCommitted) await holder.rollback().execute()
    }
  }

  it('T03 are all written, by one transaction', async () => {
    const ids = numbers(8).map(n => `c${n}`)
    const results = await Promise.allSettled(ids.map(id => rotate(id)))
    expect(told(results)).toEqual(Array(8).fill(true))
    for (const id of ids) expect(await state(id)).toEqual(rotated)
    expect(await commits()).toBe(1)
    const { token } = (await readRefreshState(store, 'c3-token')) ?? {}
    const successor = token?.successor ?? ''
    expect(await findRecord(store, 'RefreshToken', successor)).toMatchObject({
      payload: { grantId: 'c3' },
      consumed_at: undefined,
    })
  })

  it('T03 wait for nobody when they come alone, and for one statement when another is on its way', async () => {
    const first = rotate('c0')
    await new Promise(resolve => setImmediate(resolve))
    const others = numbers(7).map(n => rotate(`c${n + 1}`))
    expect(await Promise.all([first, ...others])).toEqual(Array(8).fill(true))
    expect(await commits()).toBe(2)
  })

  it('T03 of one token are one rotation, within a statement and among several', async () => {
    const others = numbers(3).map(() => openDatabase(test.url, { max: 3 }))
    const stores = [store, ...others.map(other => ({ ...store, db: other }))]
    const results = await Promise.allSettled(
      stores.flatMap(at => numbers(15).map(n => rotate(n % 2 ? 'c1' : 'c2', { at }))),
    )
    expect(told(results).filter(won => won === true)).toHaveLength(2)
    expect(told(results)).not.toContain('failed')
    for (const id of ['c1', 'c2']) expect(await state(id)).toEqual(rotated)
    await Promise.all(others.map(other => other.destroy()))
  })

  it('T03 two hundred at once, of which each comes twice, are each written once', async () => {
    const ids = numbers(100).map(n => `many-${n}`)
    for (const id of ids) await add(id)
    const results = await Promise.all([...ids, ...ids].map(id => rotate(id)))
    expect(results.filter(Boolean)).toHaveLength(100)
    for (const id of ids) expect(await state(id)).toEqual(rotated)
    expect(await commits()).toBeLessThan(10)
  })

  it.each([
    ['has ended', { status: 'ended' as const, ended_reason: 'operator', ended_at: new Date() }],
    ['is past its end', { expires_at: new Date(Date.now() - 1) }],
  ])('T04 T08 go on when a connection among them %s', async (_, change) => {
    await test.db.updateTable('connections').set(change).where('id', '=', 'c1').execute()
    const results = await Promise.allSettled(['c0', 'c1', 'c2'].map(id => rotate(id)))
    expect(told(results)).toEqual([true, false, true])
    expect(await state('c1')).toEqual(untouched)
    for (const id of ['c0', 'c2']) expect(await state(id)).toEqual(rotated)
  })

  it('T03 go on when one of them was consumed or revoked before', async () => {
    expect(await rotate('c1')).toBe(true)
    await endConnection(test.store, 'c2', 'operator')
    const results = await Promise.allSettled(['c0', 'c1', 'c2', 'c3'].map(id => rotate(id)))
    expect(told(results)).toEqual([true, false, false, true])
    expect(await state('c1')).toEqual(rotated)
    expect(await state('c2')).toMatchObject({ consumed: 0, left: 0, events: 0 })
  })

  it('T08 do not wait for one whose connection is being ended, and it learns that it lost', async () => {
    await whileHeld('c1', async holder => {
      const [held, ...others] = ['c1', 'c0', 'c2', 'c3'].map(id => rotate(id))
      expect(await Promise.all(others)).toEqual([true, true, true])
      await expectSoon(waitForLocks, 1)
      expect(await rotate('c4')).toBe(true)
      await endConnection({ ...store, db: holder }, 'c1', 'operator')
      await holder.commit().execute()
      expect(await held).toBe(false)
    })
    expect(await state('c1')).toMatchObject({ consumed: 0, left: 0, events: 0 })
  })

  it('T03 one that had to wait for its row is written after all', async () => {
    const held = await whileHeld('c1', async holder => {
      const waiting = rotate('c1')
      await expectSoon(waitForLocks, 1)
      await holder.commit().execute()
      return waiting
    })
    expect(held).toBe(true)
    expect(await state('c1')).toEqual(rotated)
  })

  it.each<[string, Parameters<typeof rotate>[1]]>([
    ['whose event is refused', { event: { type: 'refresh', outcome: 'no' } as never }],
    ['that has no text in PostgreSQL', { grant_id: 'c1\0' }],
  ])('T10 one %s fails alone, and nothing of it is written', async (_, changes) => {
    const results = await Promise.allSettled([rotate('c0'), rotate('c1', changes), rotate('c2')])
    expect(told(results)).toEqual([true, 'failed', true])
    expect(await state('c1')).toEqual(untouched)
    for (const id of ['c0', 'c2']) expect(await state(id)).toEqual(rotated)
    expect(await rotate('c1')).toBe(true)
  })

  it.each([
    ['cannot be sealed', { n: 2n }, {}],
    ['has an end that is no time', {}, { expires_at: new Date(NaN) }],
  ])('T10 one that %s fails alone', async (_, payload, keys) => {
    const successor = { id: 'next', payload, keys }
    const event = { type: 'refresh', outcome: 'ok' } as const
    const results = await Promise.allSettled([
      rotate('c0'),
      rotateRefreshToken(store, 'c1-token', successor, { connection_id: 'c1', event }),
    ])
    expect(told(results)).toEqual([true, 'failed'])
    expect(await state('c1')).toEqual(untouched)
  })

  it('T10 fail together when the connection to PostgreSQL is lost, and may be tried again', async () => {
    const ids = ['c0', 'c1', 'c2']
    const holder = await test.db.startTransaction().execute()
    await sql`lock table audit_events in exclusive mode`.execute(holder)
    const [first, ...others] = ids.map(id => rotate(id))
    const results = Promise.allSettled([first, ...others])
    await expectSoon(waitForLocks, 1)
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`.execute(test.db)
    expect(told((await results) as PromiseSettledResult<boolean>[])).toEqual(
      Array(3).fill('failed'),
    )
    await holder.rollback().execute()
    for (const id of ids) expect(await state(id)).toEqual(untouched)
    expect(await Promise.all(ids.map(id => rotate(id)))).toEqual([true, true, true])
  })

  it('K05 are a thousand at the most while PostgreSQL is slow, and the rest is refused at once', async () => {
    const holder = await test.db.startTransaction().execute()
    await sql`lock table audit_events in exclusive mode`.execute(holder)
    const waiting = numbers(1_000).map(() => rotate('c0'))
    const results = Promise.allSettled(waiting)
    await expect(rotate('c1')).rejects.toThrow('1000 refreshes wait')
    await holder.rollback().execute()
    expect(told(await results).filter(won => won === true)).toHaveLength(1)
    expect(await state('c0')).toEqual(rotated)
    expect(await rotate('c1')).toBe(true)
  })
})

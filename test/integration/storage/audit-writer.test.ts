import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import { createAuditWriter } from '../../../storage/audit-writer.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const called = (request_id: string): AuditEvent => ({
  ...{ type: 'tool_call', outcome: 'ok', tool: 'whoami', request_id },
})
const refused = { ...called('refused'), outcome: 'maybe' } as unknown as AuditEvent

describe('an audit writer', () => {
  let test: TestStore
  /** The one connection of the writer. */
  let db: Database

  beforeAll(async () => {
    test = await createTestStore()
    db = openDatabase(test.url, { max: 1, statement_timeout: 500 })
  })

  afterAll(async () => {
    await db.destroy()
    await test.close()
  })

  beforeEach(async () => {
    await sql`truncate audit_events`.execute(test.db)
  })

  const open = (limits: { most_waiting?: number; most_at_once?: number } = {}) =>
    createAuditWriter({ db, clock: () => performance.now(), ...limits })
  const onRecord = async () =>
    (await test.db.selectFrom('audit_events').select('request_id').orderBy('id').execute()).map(
      ({ request_id }) => request_id,
    )
  /** How many transactions wrote what is on record. */
  const commits = async () => {
    const { rows } = await sql<{ commits: number }>`
      select count(distinct xmin::text)::int as commits from audit_events`.execute(test.db)
    return rows[0]?.commits
  }
  /** Nobody can write until the function it gives is called. */
  const lock = async () => {
    const { promise: locked, resolve: isLocked } = Promise.withResolvers<undefined>()
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
    const holding = test.db.transaction().execute(async transaction => {
      await sql`lock table audit_events in exclusive mode`.execute(transaction)
      isLocked(undefined)
      await released
    })
    await locked
    return async () => {
      release(undefined)
      await holding
    }
  }

  it('M04 has an event on disk when it resolves', async () => {
    await open().write(called('one'))
    expect(await onRecord()).toEqual(['one'])
  })

  it('M04 16 concurrent calls cost two commits at the most', async () => {
    const writer = open()
    const names = Array.from({ length: 16 }, (_, index) => `call-${index}`)
    await Promise.all(names.map(name => writer.write(called(name))))
    expect(await onRecord()).toEqual(names)
    expect(await commits()).toBeLessThanOrEqual(2)
  })

  it('M04 16 callers, 50 calls each: a commit takes about all of them', async () => {
    const writer = open()
    const caller = async (who: number) => {
      for (let nth = 0; nth < 50; nth += 1) await writer.write(called(`${who}-${nth}`))
    }
    await Promise.all(Array.from({ length: 16 }, (_, who) => caller(who)))
    expect(new Set(await onRecord()).size).toBe(800)
    expect(await commits()).toBeLessThanOrEqual(2 * 50)
  })

  it('M04 splits what is more than one statement takes', async () => {
    const writer = open({ most_at_once: 4 })
    await Promise.all(Array.from({ length: 10 }, (_, n) => writer.write(called(`${n}`))))
    expect(await commits()).toBe(3)
  })

  it('M04 a row that the database refuses takes no other down', async () => {
    const writer = open()
    const first = writer.write(called('first'))
    const results = await Promise.allSettled([
      first,
      ...[called('a'), refused, called('b')].map(event => writer.write(event)),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    ])
    expect(await onRecord()).toEqual(['first', 'a', 'b'])
  })

  it('K05 when the database fails, everybody who waits is told, and the next may try', async () => {
    const release = await lock()
    const writer = open()
    const results = Promise.allSettled(['a', 'b', 'c'].map(name => writer.write(called(name))))
    expect((await results).map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
    await release()
    await writer.write(called('d'))
    expect(await onRecord()).toEqual(['d'])
  })

  it('K05 turns away what is more than may wait, and says how long the oldest has waited', async () => {
    const release = await lock()
    let now = 1_000
    const writer = createAuditWriter({ db, clock: () => now, most_waiting: 2 })
    expect(writer.lag()).toBe(0)
    const waiting = [writer.write(called('a')), writer.write(called('b'))]
    await expect(writer.write(called('c'))).rejects.toThrow('2 events wait')
    now = 1_250
    expect([writer.waiting(), writer.lag()]).toEqual([2, 250])
    await release()
    await Promise.all(waiting)
    expect([writer.waiting(), writer.lag()]).toEqual([0, 0])
    expect(await onRecord()).toEqual(['a', 'b'])
  })

  it('M04 writes what it took before it closes, and takes no more', async () => {
    const writer = open()
    const taken = [writer.write(called('a')), writer.write(called('b'))]
    await writer.close()
    expect(await onRecord()).toEqual(['a', 'b'])
    await Promise.all(taken)
    await expect(writer.write(called('c'))).rejects.toThrow('closed')
  })

  it('K05 no query of somebody else keeps an event waiting', async () => {
    const busy = openDatabase(test.url, { max: 1 })
    const slow = sql`select pg_sleep(0.4)`.execute(busy)
    const before = performance.now()
    await open().write(called('quick'))
    expect(performance.now() - before).toBeLessThan(350)
    await slow
    await busy.destroy()
  })
})

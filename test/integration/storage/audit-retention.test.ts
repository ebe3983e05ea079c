import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { recordAuditEvent } from '../../../storage/audit.ts'
import { keepAuditTrail } from '../../../storage/audit-retention.ts'
import { openDatabase } from '../../../storage/database.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const day = 86_400
const { signal } = new AbortController()
const options = { retention: 400 * day, batch: 100, signal }
const nothing = { made: [], dropped: [], removed: 0 }
/** The name of the partition of a month, so many months from this one. */
const month = (ahead: number) => {
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead))
  return `audit_events_${first.toISOString().slice(0, 7).replace('-', '_')}`
}
const daysAgo = (days: number) => new Date(Date.now() - days * day * 1_000)

describe('keepAuditTrail', () => {
  let test: TestStore

  beforeEach(async () => {
    test = await createTestStore()
  })

  afterEach(() => test.close())

  const record = (at: Date, request_id: string) =>
    recordAuditEvent(test.db, { type: 'consent', outcome: 'ok', at, request_id })
  const partitionOf = async (request_id: string) => {
    const { rows } = await sql<{ name: string }>`
      select tableoid::regclass::text as name from audit_events
      where request_id = ${request_id}`.execute(test.db)
    return rows.map(({ name }) => name)
  }
  const partitions = async () => {
    const { rows } = await sql<{ name: string }>`
      select inhrelid::regclass::text as name from pg_inherits
      where inhparent = 'audit_events'::regclass order by name`.execute(test.db)
    return rows.map(({ name }) => name)
  }
  /** A partition of months that are over, with an event in it. */
  const past = async (name: string, from: string, to: string) => {
    const table = sql.table(name)
    await sql`
      create table ${table} partition of audit_events
      for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(test.db)
    await record(new Date(from), name)
  }

  it('M05 a fresh database has partitions for the months to come', async () => {
    expect(await partitions()).toEqual([...[0, 1, 2, 3].map(month), 'audit_events_default'].sort())
    expect(await keepAuditTrail(test.db, options)).toEqual(nothing)
    await record(new Date(), 'now')
    expect(await partitionOf('now')).toEqual([month(0)])
  })

  it('M05 makes the partitions that are missing, with what came before they were there', async () => {
    await sql`drop table ${sql.table(month(0))}, ${sql.table(month(2))}`.execute(test.db)
    await record(new Date(), 'early')
    expect(await partitionOf('early')).toEqual(['audit_events_default'])
    expect(await keepAuditTrail(test.db, options)).toEqual({
      ...nothing,
      made: [month(0), month(2)].sort(),
    })
    expect(await partitionOf('early')).toEqual([month(0)])
    await record(new Date(), 'late')
    expect(await partitionOf('late')).toEqual([month(0)])
  })

  it('M05 drops a partition once all of it is older than the retention', async () => {
    await past('audit_events_2019_01', '2019-01-01', '2019-02-01')
    await past('audit_events_2020_01', '2020-01-01', '2020-02-01')
    const since_2020 = (Date.now() - Date.UTC(2020, 1, 1)) / 1_000 + 60
    expect(await keepAuditTrail(test.db, { ...options, retention: since_2020 })).toEqual({
      ...nothing,
      dropped: ['audit_events_2019_01'],
    })
    expect(await partitionOf('audit_events_2020_01')).toEqual(['audit_events_2020_01'])
    expect(await partitionOf('audit_events_2019_01')).toEqual([])
  })

  it('M05 removes from the default partition what is older, in batches', async () => {
    for (let nth = 0; nth < 25; nth += 1) await record(daysAgo(500 + nth), 'old')
    await record(daysAgo(399), 'kept')
    expect(await keepAuditTrail(test.db, { ...options, batch: 10 })).toEqual({
      ...nothing,
      removed: 25,
    })
    expect(await partitionOf('kept')).toEqual(['audit_events_default'])
  })

  it('M05 one replica at a time does it', async () => {
    await past('audit_events_2019_01', '2019-01-01', '2019-02-01')
    const replicas = [openDatabase(test.url), openDatabase(test.url), openDatabase(test.url)]
    const done = await Promise.all(replicas.map(db => keepAuditTrail(db, options)))
    expect(done.flatMap(({ dropped }) => dropped)).toEqual(['audit_events_2019_01'])
    await Promise.all(replicas.map(db => db.destroy()))
  })

  it('M05 gives up soon when somebody reads the trail, and events go on', async () => {
    await past('audit_events_2019_01', '2019-01-01', '2019-02-01')
    await test.db.transaction().execute(async transaction => {
      await transaction.selectFrom('audit_events').select('id').execute()
      const keeping = keepAuditTrail(test.db, options)
      await expect(keeping).rejects.toThrow('lock timeout')
      await record(new Date(), 'meanwhile')
    })
    expect(await partitionOf('meanwhile')).toHaveLength(1)
    expect((await keepAuditTrail(test.db, options)).dropped).toEqual(['audit_events_2019_01'])
  })
})

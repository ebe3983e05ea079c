import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { startHousekeeping } from '../../../../plugins/mcp-oidc/housekeeping.ts'
import type { Log } from '../../../../plugins/mcp-oidc/log.ts'
import { createMetrics } from '../../../../plugins/mcp-oidc/metrics.ts'
import { type Database, openDatabase } from '../../../../storage/database.ts'
import type { HousekeepingDone } from '../../../../storage/housekeeping.ts'
import { findRecord, upsertRecord } from '../../../../storage/records.ts'
import { readMetrics } from '../../../support/metrics.ts'
import { expectSoon } from '../../../support/soon.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

const backlog = 50_000

describe('housekeeping', () => {
  let test: TestStore
  let other_pool: Database
  let warnings: string[]
  let log: Log

  beforeEach(async () => {
    test = await createTestStore()
    other_pool = openDatabase(test.url)
    warnings = []
    log = {
      info: () => undefined,
      warn: (detail, message) => void warnings.push(`${message} ${JSON.stringify(detail)}`),
      error: (_, message) => void warnings.push(message),
    }
    await sql`
      insert into oidc_records (model, id_hash, payload, expires_at)
      select 'Interaction', sha256(('i' || n)::bytea), '\\x00', now() - n * interval '1 s'
      from generate_series(1, ${backlog}::int) n`.execute(test.db)
  })

  afterEach(async () => {
    await other_pool.destroy()
    await test.close()
  })

  const left = async () => {
    const { rows } = await sql<{ count: number }>`select count(*) from oidc_records`.execute(
      test.db,
    )
    return rows[0]?.count
  }
  const start = (db: Database, done: (work: HousekeepingDone) => void, ready = test_is_ready) =>
    startHousekeeping({ db, ready, retention: 0, audit_retention: 86_400, log, done, interval: 5 })
  /** Runs with every statement that deletes records. */
  const whenDeleting = async (statement: string) => {
    await sql
      .raw(
        `create function deleting() returns trigger language plpgsql as $$
          begin ${statement}; return null; end $$`,
      )
      .execute(test.db)
    await sql`create trigger deleting before delete on oidc_records
      execute function deleting()`.execute(test.db)
  }

  it('K04 works a backlog off on two replicas, never both at once, while others read and write', async () => {
    await whenDeleting(`
      if not pg_try_advisory_xact_lock(1) then raise exception 'two delete at once'; end if;
      perform pg_sleep(0.002)`)
    const shares = [0, 0]
    const stops = [test.db, other_pool].map((db, n) =>
      start(db, ({ records }) => {
        shares[n] = (shares[n] ?? 0) + records
      }),
    )
    const read = async () => {
      const expires_at = new Date(Date.now() + 3_600_000)
      await upsertRecord(test.store, 'Session', 'alive', {}, { expires_at })
      expect(await findRecord(test.store, 'Session', 'alive')).toBeDefined()
      return left()
    }
    await expectSoon(read, 1)
    await Promise.all(stops.map(stop => stop()))
    expect(warnings).toEqual([])
    expect(shares.reduce((sum, share) => sum + share)).toBe(backlog)
  })

  it('K04 ends with its runtime: the batch under way is awaited, and no other begins', async () => {
    await whenDeleting('perform pg_advisory_xact_lock(2)')
    let work: HousekeepingDone | undefined
    const stop = start(other_pool, done => {
      work = done
    })
    let stopped = Promise.resolve()
    await test.db.connection().execute(async holder => {
      await sql`select pg_advisory_lock(2)`.execute(holder)
      await expectSoon(waitsForLock, true)
      stopped = stop()
      await sql`select pg_advisory_unlock(2)`.execute(holder)
    })
    await stopped
    expect(work?.records).toBe(1_000)
    expect(await left()).toBe(backlog - 1_000)
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(await left()).toBe(backlog - 1_000)
    expect(warnings).toEqual([])
  })

  const waitsForLock = async () => {
    const { rows } = await sql`
      select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`.execute(
      test.db,
    )
    return rows.length > 0
  }

  it('K05 a round that fails is told of, and tried again', async () => {
    let rounds = 0
    const ready = () =>
      rounds++ < 2 ? Promise.reject(new Error('no database')) : Promise.resolve()
    const stop = start(other_pool, () => undefined, ready)
    await expectSoon(left, 0)
    await stop()
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toContain('the next round tries again')
  })

  it('O02 what was done, and when, is in the metrics', async () => {
    const metrics = createMetrics()
    const stop = start(other_pool, done => metrics.housekeeping(done))
    await expectSoon(left, 0)
    await stop()
    const read = readMetrics(await metrics.registry.metrics())
    const valueOf = (name: string, kind?: string) =>
      read.find(metric => metric.name === name && metric.labels['kind'] === kind)?.value
    expect(valueOf('mcp_oidc_expired_rows_total', 'records')).toBe(backlog)
    expect(valueOf('mcp_oidc_expired_rows_total', 'connections')).toBe(0)
    const at = valueOf('mcp_oidc_housekeeping_last_round_timestamp_seconds') ?? 0
    expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(60)
  })

  it('keeps no process alive', async () => {
    const program = `
      import { startHousekeeping } from './plugins/mcp-oidc/housekeeping.ts'
      startHousekeeping({ ready: () => Promise.reject(new Error('asked')) })`
    const options = { cwd: new URL('../../../../', import.meta.url), timeout: 10_000 }
    const args = ['--input-type=module', '--eval', program]
    await expect(promisify(execFile)(process.execPath, args, options)).resolves.toBeDefined()
  })
})

const test_is_ready = () => Promise.resolve()

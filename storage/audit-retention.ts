import { sql } from 'kysely'
import type { Database } from './database.ts'
import { underHousekeepingLock } from './housekeeping-lock.ts'

/** Partitions that were made and dropped, and rows that were removed from the default one. */
export interface AuditTrailKept {
  readonly made: readonly string[]
  readonly dropped: readonly string[]
  readonly removed: number
}

export interface AuditRetentionOptions {
  /** How long an event is kept at least, seconds. */
  readonly retention: number
  /** Rows a statement removes at most. */
  readonly batch: number
  readonly signal: AbortSignal
}

/** Months for which partitions are there before they begin. */
const months_ahead = 3
/** An insert waits for at most so long behind a change of partitions; the next round tries again. */
const lock_timeout = '500ms'

const nothing: AuditTrailKept = { made: [], dropped: [], removed: 0 }

/**
 * Makes the audit trail's partitions for the months to come, and drops those in which every event
 * is older than the retention. One replica at a time does it. Gives what this one did.
 */
export async function keepAuditTrail(
  db: Database,
  { retention, batch, signal }: AuditRetentionOptions,
): Promise<AuditTrailKept> {
  const made = await underHousekeepingLock(db, 'audit_trail', makePartitions)
  if (made === undefined) return nothing
  const dropped = await underHousekeepingLock(db, 'audit_trail', transaction =>
    dropPartitions(transaction, retention),
  )
  let removed = 0
  for (let rows = batch; rows === batch && !signal.aborted; removed += rows)
    rows =
      (await underHousekeepingLock(db, 'audit_trail', transaction =>
        removeStrays(transaction, retention, batch),
      )) ?? 0
  return { made, dropped: dropped ?? [], removed }
}

/** Attached, not created in place: that way inserts go on meanwhile. */
async function makePartitions(db: Database): Promise<readonly string[]> {
  const missing = await sql<{ name: string; from: string; to: string }>`
    select * from (
      select 'audit_events_' || to_char(month, 'YYYY_MM') as name,
        (month at time zone 'utc')::text as from,
        ((month + interval '1 month') at time zone 'utc')::text as to
      from generate_series(date_trunc('month', now() at time zone 'utc'),
        now() at time zone 'utc' + make_interval(months => ${months_ahead}),
        interval '1 month') month
    ) wanted
    where to_regclass(name) is null and not exists (
      select from (${partitions}) taken where taken.until > wanted.from::timestamptz
        and taken.since < wanted.to::timestamptz
    )
    order by name`.execute(db)
  if (missing.rows.length === 0) return []
  await sql`set local lock_timeout = ${sql.lit(lock_timeout)}`.execute(db)
  for (const { name, from, to } of missing.rows) {
    const [table, since, until] = [sql.table(name), sql.lit(from), sql.lit(to)]
    await sql`
      create table ${table}
      (like audit_events including defaults including constraints)`.execute(db)
    // What came before there was a partition for it.
    await sql`
      with stray as (
        delete from audit_events_default where at >= ${since} and at < ${until} returning *
      )
      insert into ${table} select * from stray`.execute(db)
    await sql`
      alter table audit_events attach partition ${table}
      for values from (${since}) to (${until})`.execute(db)
  }
  return missing.rows.map(({ name }) => name)
}

async function dropPartitions(db: Database, retention: number): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from (${partitions}) old
    where until < now() - make_interval(secs => ${retention}) order by until`.execute(db)
  if (rows.length === 0) return []
  await sql`set local lock_timeout = ${sql.lit(lock_timeout)}`.execute(db)
  for (const { name } of rows) await sql`drop table ${sql.table(name)}`.execute(db)
  return rows.map(({ name }) => name)
}

/** Events of the default partition that are older than the retention. */
async function removeStrays(db: Database, retention: number, batch: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from audit_events_default where (at, id) in (
      select at, id from audit_events_default
      where at < now() - make_interval(secs => ${retention}) order by at limit ${batch}
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** Every partition but the default one, and the times it is for. */
const partitions = sql`
  select relname as name,
    coalesce(substring(bound from 'FROM \\(''([^'']+)''\\)')::timestamptz, '-infinity') as since,
    substring(bound from 'TO \\(''([^'']+)''\\)')::timestamptz as until
  from (
    select partition.relname, pg_get_expr(partition.relpartbound, partition.oid) as bound
    from pg_inherits join pg_class partition on partition.oid = inhrelid
    where inhparent = 'audit_events'::regclass
  ) each where bound <> 'DEFAULT'`

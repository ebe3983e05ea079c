import { sql } from 'kysely'
import type { Database } from './database.ts'
import { CONNECTION_ENDED } from './end-connections.ts'

/** How many of each kind were removed or ended. */
export interface HousekeepingDone {
  readonly records: number
  readonly expired_connections: number
  readonly connections: number
}

export interface HousekeepingOptions {
  /** Rows a statement touches at most, so that none of them takes long. */
  readonly batch: number
  /** How long an ended or expired connection is still shown, seconds. */
  readonly retention: number
  /** Ends the work after the statement under way. */
  readonly signal: AbortSignal
}

/** Any number that nobody else uses: Kysely's migrations have a lock of their own. */
const LOCK = 7_316_402

/**
 * Removes what has expired, in small batches, oldest first. One replica at a time does it: the others
 * find the lock taken and come again later. The lock belongs to each batch's transaction, so it
 * is free again when a replica dies.
 *
 * Undefined when another replica is at it.
 */
export async function keepHouse(
  db: Database,
  options: HousekeepingOptions,
): Promise<HousekeepingDone | undefined> {
  const done = { records: 0, expired_connections: 0, connections: 0 }
  const steps = {
    expired_connections: endExpired,
    records: removeRecords,
    connections: removeConnections,
  } as const
  for (const kind of ['expired_connections', 'records', 'connections'] as const)
    for (let rows = options.batch; rows === options.batch && !options.signal.aborted;) {
      const touched = await underLock(db, transaction => steps[kind](transaction, options))
      if (touched === undefined) return undefined
      rows = touched
      done[kind] += rows
    }
  return done
}

function underLock(
  db: Database,
  work: (transaction: Database) => Promise<number>,
): Promise<number | undefined> {
  return db.transaction().execute(async transaction => {
    const { rows } = await sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(${LOCK}) as taken`.execute(transaction)
    return rows[0]?.taken ? work(transaction) : undefined
  })
}

/** Codes, tokens, sessions, paused requests: nobody can find them any more. */
async function removeRecords(db: Database, { batch }: HousekeepingOptions): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from oidc_records where (model, id_hash) in (
      select model, id_hash from oidc_records
      where expires_at < now()
      order by expires_at limit ${batch} for update skip locked
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** A connection past its end has ended, and the token of its identity provider is forgotten. */
async function endExpired(db: Database, { batch }: HousekeepingOptions): Promise<number> {
  const { rows } = await sql`
    with chosen as (
      select id from connections
      where status = 'active' and expires_at < now()
      order by expires_at limit ${batch} for update skip locked
    ), ended as (
      update connections
      set status = 'ended', ended_reason = 'expired', ended_at = expires_at,
        idp_refresh_token = null
      from chosen where connections.id = chosen.id
      returning connections.id, ended_at
    )
    select pg_notify(${CONNECTION_ENDED},
      id || ' ' || (extract(epoch from ended_at) * 1000)::bigint) from ended`.execute(db)
  return rows.length
}

/** What is shown of a connection that is over ends some day. Its events stay in the audit trail. */
async function removeConnections(
  db: Database,
  { batch, retention }: HousekeepingOptions,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from connections where id in (
      select id from connections
      where expires_at < now() - make_interval(secs => ${retention})
      order by expires_at limit ${batch} for update skip locked
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

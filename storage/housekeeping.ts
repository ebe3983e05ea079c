import { sql } from 'kysely'
import { approval_idle_days } from './approvals.ts'
import type { Database } from './database.ts'
import { CONNECTION_ENDED } from './end-connections.ts'
import { underHousekeepingLock } from './housekeeping-lock.ts'

/** How many of each kind were removed or ended. */
export interface HousekeepingDone {
  readonly records: number
  readonly expired_connections: number
  readonly connections: number
  readonly approvals: number
  readonly signed_in_people: number
}

export interface HousekeepingOptions {
  /** Rows a statement touches at most, so that none of them takes long. */
  readonly batch: number
  /** How long a connection that has ended is still shown, seconds. */
  readonly retention: number
  /** Ends the work after the statement under way. */
  readonly signal: AbortSignal
}

type Step = (db: Database, options: HousekeepingOptions) => Promise<number>

/**
 * Ends connections whose time is over and removes what nobody can find any more, in small batches,
 * oldest first. One replica at a time does it: the others find the lock taken and come again later.
 * The lock belongs to each batch's transaction, so it is free again when a replica dies, and no
 * pooled database connection keeps it.
 *
 * Gives what this replica did: nothing when another one was at it.
 */
export async function keepHouse(
  db: Database,
  options: HousekeepingOptions,
): Promise<HousekeepingDone> {
  const done = {
    records: 0,
    expired_connections: 0,
    connections: 0,
    approvals: 0,
    signed_in_people: 0,
  }
  // Ended connections come last, so that those of a retention of nothing are gone in one round.
  const steps: readonly [keyof HousekeepingDone, Step][] = [
    ['expired_connections', endExpired],
    ['records', removeRecords],
    ['connections', removeConnections],
    ['approvals', removeApprovals],
    ['signed_in_people', removePeople],
  ]
  for (const [kind, step] of steps)
    for (let rows = options.batch; rows === options.batch && !options.signal.aborted;) {
      const touched = await underHousekeepingLock(db, 'rows', transaction =>
        step(transaction, options),
      )
      if (touched === undefined) return done
      rows = touched
      done[kind] += rows
    }
  return done
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
      returning connections.id
    )
    select pg_notify(${CONNECTION_ENDED},
      id || ' ' || (extract(epoch from clock_timestamp()) * 1000)::bigint) from ended`.execute(db)
  return rows.length
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

/** What is shown of a connection that is over ends some day. Its events stay in the audit trail. */
async function removeConnections(
  db: Database,
  { batch, retention }: HousekeepingOptions,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from connections where id in (
      select id from connections
      where status = 'ended' and ended_at < now() - make_interval(secs => ${retention})
      order by ended_at limit ${batch} for update skip locked
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** What nobody has made use of for half a year is asked again. */
async function removeApprovals(db: Database, { batch }: HousekeepingOptions): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from approvals where ctid = any(array(
      select ctid from approvals
      where last_used_at < now() - make_interval(days => ${approval_idle_days})
      order by last_used_at limit ${batch} for update skip locked
    ))`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** Who has not signed in to the console for longer than a sign-in there lasts is not known there. */
async function removePeople(db: Database, { batch }: HousekeepingOptions): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from signed_in_people where user_id in (
      select user_id from signed_in_people
      where expires_at < now()
      order by expires_at limit ${batch} for update skip locked
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

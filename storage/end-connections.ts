import { type RawBuilder, sql } from 'kysely'
import { forgetsApproval } from './approvals.ts'
import { lookupHash } from './digest.ts'
import { openProfile } from './connections.ts'
import { CONSOLE_SESSION, forgetPerson } from './signed-in-people.ts'
import type { Store } from './store.ts'

/** Which connections: all that is named must hold. At least one is to be named. */
export interface ConnectionSelector {
  readonly id?: string
  readonly user_id?: string
  readonly org_id?: string
  readonly client_id?: string
  readonly email?: string
  readonly idp_id?: string
  /** The identity provider's own session id; needs `idp_id`. */
  readonly idp_sid?: string
}

/** A connection that was active until now. */
export interface EndedConnection {
  readonly id: string
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
  /** Undefined when the profile does not open: that must not keep a connection from ending. */
  readonly email: string | undefined
}

/** Every listener hears here, when a connection ends, its id and when that was: `id milliseconds`. */
export const CONNECTION_ENDED = 'connection_ended'
/** And here when what is known of the person changed. */
export const CONNECTION_CHANGED = 'connection_changed'

/**
 * Connections ended by one statement. Each may have thousands of consumed refresh tokens, and all of
 * them have to go within the statement timeout.
 */
export const BATCH = 100

/**
 * Ends connections, deletes their grants and everything issued under them, forgets the identity
 * provider's token, and tells every listener: one statement, so all of it happens or none. What the
 * person approved is forgotten too, unless the reason says nothing about it. Gives those that were
 * active until now, at most a batch: call again until there are none.
 *
 * @throws TypeError when the selector names nothing: that would be everybody
 */
export async function endConnections(
  store: Store,
  selector: ConnectionSelector,
  reason: string,
): Promise<readonly EndedConnection[]> {
  const { rows } = await sql<Omit<EndedConnection, 'email'> & { profile: Buffer }>`
    with chosen as (
      select id from connections
      where status = 'active' and ${selected(store, selector)}
      order by id limit ${BATCH} for update
    ), ended as (
      update connections
      set status = 'ended', ended_reason = ${reason}, ended_at = now(), idp_refresh_token = null
      from chosen where connections.id = chosen.id
      returning connections.id, user_id, org_id, client_id, profile
    ), records as (
      delete from oidc_records using ended where oidc_records.grant_id = ended.id
    ), grants as (
      delete from oidc_records using ended
      where model = 'Grant' and id_hash = sha256(convert_to(ended.id, 'UTF8'))
    ), forgotten as (
      delete from approvals using ended
      where ${forgetsApproval(reason)}::boolean and approvals.user_id = ended.user_id
        and approvals.org_id = ended.org_id and approvals.client_id = ended.client_id
    ), told as (
      select count(pg_notify(${CONNECTION_ENDED},
        id || ' ' || (extract(epoch from clock_timestamp()) * 1000)::bigint)) from ended
    )
    select ended.* from ended, told`.execute(store.db)
  return rows.map(({ profile, ...row }) => ({ ...row, email: emailOf(store, row.id, profile) }))
}

/** As {@link endConnections} for one. True when it was active until now. */
export async function endConnection(store: Store, id: string, reason: string): Promise<boolean> {
  return (await endConnections(store, { id }, reason)).length === 1
}

/** The users behind connections, ended ones too. */
export async function findUsers(
  store: Store,
  selector: ConnectionSelector,
): Promise<readonly string[]> {
  const { rows } = await sql<{ user_id: string }>`
    select distinct user_id from connections where ${selected(store, selector)}`.execute(store.db)
  return rows.map(({ user_id }) => user_id)
}

/**
 * Signs a user out of this gateway and its console in every browser, and forgets what was known of
 * their rights. Gives how many sessions that were.
 */
export async function endBrowserSessions(
  { db }: Pick<Store, 'db'>,
  user_id: string,
): Promise<number> {
  await forgetPerson(db, user_id)
  const { numDeletedRows } = await db
    .deleteFrom('oidc_records')
    .where('user_id', '=', user_id)
    .where('model', 'in', ['Session', CONSOLE_SESSION])
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/**
 * The condition in SQL. An email and a session id are found under every key of the ring, for rows
 * are hashed with the key that was first at the time.
 *
 * @throws TypeError when the selector names nothing
 */
export function selected(
  { ring }: Pick<Store, 'ring'>,
  selector: ConnectionSelector,
): RawBuilder<boolean> {
  const { email, idp_sid, ...plain } = selector
  const conditions = Object.entries(plain).map(
    ([column, value]) => sql<boolean>`${sql.ref(`connections.${column}`)} = ${value}`,
  )
  const anyOf = (column: string, hashes: readonly Buffer[]) =>
    sql<boolean>`${sql.ref(`connections.${column}`)} in (${sql.join(hashes)})`
  if (email !== undefined)
    conditions.push(
      anyOf(
        'email_hash',
        ring.map(key => lookupHash.email(key, email)),
      ),
    )
  if (idp_sid !== undefined) {
    const { idp_id } = selector
    if (idp_id === undefined) throw new TypeError('an idp_sid means nothing without its idp_id')
    conditions.push(
      anyOf(
        'idp_sid_hash',
        ring.map(key => lookupHash.idpSession(key, idp_id, idp_sid)),
      ),
    )
  }
  if (conditions.length === 0) throw new TypeError('the selector names no connection')
  return sql<boolean>`${sql.join(conditions, sql` and `)}`
}

function emailOf(store: Store, id: string, profile: Buffer): string | undefined {
  try {
    return openProfile(store, id, profile).email
  } catch {
    return undefined
  }
}

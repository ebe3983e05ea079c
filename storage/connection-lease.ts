import { type SqlBool, sql, type UpdateObject } from 'kysely'
import { z } from 'zod'
import { type ConnectionProfile, idpTokenName, sealedProfile } from './connections.ts'
import { CONNECTION_CHANGED } from './end-connections.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

/** The right of one holder to refresh a connection, until it is released or its time is over. */
export interface ConnectionLease {
  readonly connection_id: string
  readonly holder: string
}

/** Somebody else may hold the lease now, or the connection has ended: nothing was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** What a refresh needs to know about the identity provider's side of a connection. */
export interface IdpStanding {
  readonly idp_refresh_token: string | undefined
  /** When it was last asked whether the person still has access, the sign-in included. */
  readonly idp_asked_at: Date | undefined
  /** Since when it cannot be asked; undefined while it can. */
  readonly idp_unavailable_since: Date | undefined
}

/** Takes the lease when nobody holds it, or its holder's time is over. Nothing else is locked. */
export async function takeLease(
  { db }: Pick<Store, 'db'>,
  { connection_id, holder }: ConnectionLease,
  seconds: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('connections')
    .set({
      lease_holder: holder,
      lease_until: sql<Date>`now() + make_interval(secs => ${seconds})`,
    })
    .where('id', '=', connection_id)
    .where(sql<SqlBool>`(lease_until is null or lease_until < now())`)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

/** Makes the lease last this long from now, if it is still this holder's. */
export async function renewLease(
  { db }: Pick<Store, 'db'>,
  { connection_id, holder }: ConnectionLease,
  seconds: number,
): Promise<void> {
  await db
    .updateTable('connections')
    .set({ lease_until: sql<Date>`now() + make_interval(secs => ${seconds})` })
    .where('id', '=', connection_id)
    .where('lease_holder', '=', holder)
    .execute()
}

/** Gives the lease back, if it is still this holder's. */
export async function releaseLease(
  { db }: Pick<Store, 'db'>,
  { connection_id, holder }: ConnectionLease,
): Promise<void> {
  await db
    .updateTable('connections')
    .set({ lease_holder: null, lease_until: null })
    .where('id', '=', connection_id)
    .where('lease_holder', '=', holder)
    .execute()
}

/** Undefined when there is no such connection. Rejects with SealError when the token does not open. */
export async function findIdpStanding(
  { db, ring }: Store,
  connection_id: string,
): Promise<IdpStanding | undefined> {
  const row = await db
    .selectFrom('connections')
    .select(['idp_refresh_token', 'idp_asked_at', 'idp_unavailable_since'])
    .where('id', '=', connection_id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const token = row.idp_refresh_token
  return {
    idp_refresh_token: token === null ? undefined : openToken({ ring }, connection_id, token),
    idp_asked_at: row.idp_asked_at ?? undefined,
    idp_unavailable_since: row.idp_unavailable_since ?? undefined,
  }
}

/** Stores the token that the identity provider gave for the one we sent. Rejects with LeaseLost. */
export async function saveIdpToken(
  { db, ring }: Store,
  lease: ConnectionLease,
  token: string,
): Promise<void> {
  await update(db, lease, {
    idp_refresh_token: seal(ring, idpTokenName(lease.connection_id), token),
  })
}

/** The identity provider said just now that the person still has access. Rejects with LeaseLost. */
export async function noteIdpAsked(
  { db }: Pick<Store, 'db'>,
  lease: ConnectionLease,
): Promise<void> {
  await update(db, lease, { idp_asked_at: sql<Date>`now()`, idp_unavailable_since: null })
}

/** The identity provider could not be asked. Gives since when. Rejects with LeaseLost. */
export async function noteIdpUnavailable(
  { db }: Pick<Store, 'db'>,
  lease: ConnectionLease,
): Promise<Date> {
  const { idp_unavailable_since: since } = await update(db, lease, {
    idp_asked_at: sql<Date>`now()`,
    idp_unavailable_since: sql<Date>`coalesce(idp_unavailable_since, now())`,
  })
  if (since === null) throw new TypeError('an outage was noted without its time')
  return since
}

/** Stores what is known of the person now, and tells every listener. Rejects with LeaseLost. */
export async function saveProfile(
  { db, ring }: Store,
  lease: ConnectionLease,
  profile: ConnectionProfile,
): Promise<void> {
  await db.transaction().execute(async transaction => {
    const { connection_id } = lease
    const { idp_id } = await update(transaction, lease, {})
    await update(transaction, lease, sealedProfile({ ring }, connection_id, idp_id, profile))
    await sql`select pg_notify(${CONNECTION_CHANGED}, ${connection_id})`.execute(transaction)
  })
}

async function update(
  db: Store['db'],
  { connection_id, holder }: ConnectionLease,
  changes: UpdateObject<Tables, 'connections'>,
) {
  const row = await db
    .updateTable('connections')
    .set({ ...changes, lease_holder: holder })
    .where('id', '=', connection_id)
    .where('lease_holder', '=', holder)
    .where('status', '=', 'active')
    .returning(['idp_id', 'idp_unavailable_since'])
    .executeTakeFirst()
  if (row === undefined)
    throw new LeaseLost(`the lease of connection ${connection_id} was lost, or it has ended`)
  return row
}

function openToken({ ring }: Pick<Store, 'ring'>, connection_id: string, sealed: Buffer): string {
  const name = idpTokenName(connection_id)
  const token = z.string().safeParse(unseal(ring, name, sealed))
  if (!token.success) throw new SealError('malformed', `${name} does not hold a token`)
  return token.data
}

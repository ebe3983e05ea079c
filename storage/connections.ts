import { sql } from 'kysely'
import { z } from 'zod'
import { idHash } from './digest.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'

/** Sealed with the row. The tokens and ids that are the identity provider's own stay with us. */
export interface ConnectionProfile {
  readonly email: string
  readonly roles: readonly string[]
  readonly idp_sub: string
  readonly idp_sid?: string
  readonly idp_refresh_token?: string
}

export interface NewConnection {
  readonly id: string
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
  readonly idp_id: string
  readonly expires_at: Date
  readonly profile: ConnectionProfile
}

export interface Connection extends NewConnection {
  readonly status: 'active' | 'ended'
  readonly ended_reason: string | undefined
  readonly created_at: Date
  readonly last_used_at: Date | undefined
}

const profileShape = z.object({
  email: z.string(),
  roles: z.array(z.string()),
  idp_sub: z.string(),
  idp_sid: z.string().exactOptional(),
  idp_refresh_token: z.string().exactOptional(),
})

/** Rejects when the id is taken, or when a user or org id is not of its kind. */
export async function createConnection(
  { db, ring }: Store,
  connection: NewConnection,
): Promise<void> {
  const { id, user_id, org_id, client_id, idp_id, expires_at } = connection
  const profile = seal(ring, rowName(id), connection.profile)
  await db
    .insertInto('connections')
    .values({ id, user_id, org_id, client_id, idp_id, expires_at, profile })
    .execute()
}

/** How many are neither ended nor past their end. */
export async function countActiveConnections({ db }: Pick<Store, 'db'>): Promise<number> {
  const { active } = await db
    .selectFrom('connections')
    .select(({ fn }) => fn.countAll<number>().as('active'))
    .where('status', '=', 'active')
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow()
  return active
}

/**
 * An ended connection is found, with its reason; one past its end is not. Rejects with SealError
 * when the profile does not open.
 */
export async function findConnection(
  { db, ring }: Store,
  id: string,
): Promise<Connection | undefined> {
  const row = await db
    .selectFrom('connections')
    .selectAll()
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const profile = profileShape.safeParse(unseal(ring, rowName(id), row.profile))
  if (!profile.success)
    throw new SealError('malformed', `${rowName(id)} does not hold a connection's profile`)
  return {
    ...row,
    ended_reason: row.ended_reason ?? undefined,
    last_used_at: row.last_used_at ?? undefined,
    profile: profile.data,
  }
}

/**
 * Ends a connection, deletes its grant and everything issued under it, and tells every listener on
 * the channel `connection_ended`: one statement, so all of it happens or none.
 *
 * True when the connection was active until now.
 */
export async function endConnection({ db }: Store, id: string, reason: string): Promise<boolean> {
  const { rows } = await sql`
    with ended as (
      update connections set status = 'ended', ended_reason = ${reason}
      where id = ${id} and status = 'active'
      returning id
    ), records as (
      delete from oidc_records using ended where oidc_records.grant_id = ended.id
    ), the_grant as (
      delete from oidc_records using ended where model = 'Grant' and id_hash = ${idHash(id)}
    )
    select pg_notify('connection_ended', id) from ended`.execute(db)
  return rows.length === 1
}

/** Notes that the connection was used now. */
export async function touchConnection({ db }: Store, id: string): Promise<void> {
  await db
    .updateTable('connections')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}

const rowName = (id: string) => `connections/${id}`

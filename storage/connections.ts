import { type Selectable, sql, type SqlBool } from 'kysely'
import { z } from 'zod'
import { lookupHash } from './digest.ts'
import { prepare } from './prepared.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

/** Sealed with the row: who the person is, in the identity provider's words. */
export interface ConnectionProfile {
  readonly email: string
  readonly roles: readonly string[]
  readonly idp_sub: string
  readonly idp_sid?: string
}

export interface NewConnection {
  readonly id: string
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
  readonly idp_id: string
  readonly expires_at: Date
  readonly profile: ConnectionProfile
  /** Sealed in a column of its own, and gone when the connection ends. */
  readonly idp_refresh_token?: string
}

export interface Connection extends Omit<NewConnection, 'idp_refresh_token'> {
  readonly status: 'active' | 'ended'
  readonly ended_reason: string | undefined
  readonly ended_at: Date | undefined
  readonly created_at: Date
  readonly last_used_at: Date | undefined
}

const profileShape = z.object({
  email: z.string(),
  roles: z.array(z.string()),
  idp_sub: z.string(),
  idp_sid: z.string().exactOptional(),
})

/** What a {@link Connection} is made of. */
export const connection_columns = [
  'id',
  'user_id',
  'org_id',
  'client_id',
  'idp_id',
  'expires_at',
  'profile',
  'status',
  'ended_reason',
  'ended_at',
  'created_at',
  'last_used_at',
] as const

/** Rejects when the id is taken, or when a user or org id is not of its kind. */
export async function createConnection(
  { db, ring }: Store,
  connection: NewConnection,
): Promise<void> {
  const { id, user_id, org_id, client_id, idp_id, expires_at, idp_refresh_token } = connection
  await db
    .insertInto('connections')
    .values({
      ...{ id, user_id, org_id, client_id, idp_id, expires_at },
      ...sealedProfile({ ring }, id, idp_id, connection.profile),
      idp_asked_at: sql<Date>`now()`,
      idp_refresh_token:
        idp_refresh_token === undefined ? null : seal(ring, idpTokenName(id), idp_refresh_token),
    })
    .execute()
}

/** The columns that hold a profile: sealed, and as hashes that find it. */
export function sealedProfile(
  { ring }: Pick<Store, 'ring'>,
  id: string,
  idp_id: string,
  profile: ConnectionProfile,
): { profile: Buffer; email_hash: Buffer; idp_sid_hash: Buffer | null } {
  const { email, idp_sid } = profile
  return {
    profile: seal(ring, profileName(id), profile),
    email_hash: lookupHash.email(ring[0], email),
    idp_sid_hash: idp_sid === undefined ? null : lookupHash.idpSession(ring[0], idp_id, idp_sid),
  }
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

const find = prepare((db, id: string) =>
  db
    .selectFrom('connections')
    .select(connection_columns)
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .compile(),
)

/**
 * An ended connection is found, with its reason; one past its end is not. Rejects with SealError
 * when the profile does not open.
 */
export async function findConnection(
  { db, ring }: Store,
  id: string,
): Promise<Connection | undefined> {
  const [row] = (await find(db, id)).rows
  return row && openConnection({ ring }, row)
}

export type ConnectionRow = Pick<
  Selectable<Tables['connections']>,
  (typeof connection_columns)[number]
>

/** Throws SealError when the profile does not open. */
export function openConnection({ ring }: Pick<Store, 'ring'>, row: ConnectionRow): Connection {
  return {
    ...row,
    ended_reason: row.ended_reason ?? undefined,
    ended_at: row.ended_at ?? undefined,
    last_used_at: row.last_used_at ?? undefined,
    profile: openProfile({ ring }, row.id, row.profile),
  }
}

/** Those of the given connections that have ended or are past their end; unknown ones are neither. */
export async function findOverConnections(
  db: Store['db'],
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('connections')
    .select('id')
    .where('id', '=', sql<string>`any(${ids})`)
    .where(sql<SqlBool>`(status = 'ended' or expires_at <= now())`)
    .execute()
  return rows.map(({ id }) => id)
}

/** Throws SealError when it does not open. */
export function openProfile(
  { ring }: Pick<Store, 'ring'>,
  id: string,
  sealed: Buffer,
): ConnectionProfile {
  const profile = profileShape.safeParse(unseal(ring, profileName(id), sealed))
  if (!profile.success)
    throw new SealError('malformed', `${profileName(id)} does not hold a connection's profile`)
  return profile.data
}

const touch = prepare((db, id: string) =>
  db
    .updateTable('connections')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .compile(),
)

/** Notes that the connection was used now. */
export async function touchConnection({ db }: Pick<Store, 'db'>, id: string): Promise<void> {
  await touch(db, id)
}

/** What a connection's profile is sealed for. */
export const profileName = (id: string) => `connections/${id}`
/** What its identity provider's refresh token is sealed for. */
export const idpTokenName = (id: string) => `connections/${id}/idp_refresh_token`

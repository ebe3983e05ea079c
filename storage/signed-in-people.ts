import { sql, type UpdateObject } from 'kysely'
import { z } from 'zod'
import type { Database } from './database.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

/** The model under which the console keeps its sessions among the other records. */
export const CONSOLE_SESSION = 'ConsoleSession'

/** Sealed with the row: what the identity provider says of the person. */
export interface PersonProfile {
  readonly email: string
  readonly name?: string
  /** Those that the identity provider asserts and may assert. */
  readonly orgs: readonly string[]
  readonly roles: readonly string[]
  readonly idp_sub: string
}

/** Somebody who signed in to one of the gateway's own pages. */
export interface SignedInPerson {
  readonly user_id: string
  readonly idp_id: string
  readonly profile: PersonProfile
  readonly signed_in_at: Date
  /** When the identity provider was last asked about them, the sign-in included. */
  readonly idp_asked_at: Date
  /** Since when it cannot be asked; undefined while it can. */
  readonly idp_unavailable_since: Date | undefined
  readonly expires_at: Date
  /** Whether there is something to ask the identity provider with. */
  readonly may_be_asked: boolean
}

export interface NewSignIn {
  readonly user_id: string
  readonly idp_id: string
  readonly profile: PersonProfile
  readonly idp_refresh_token?: string | undefined
  readonly expires_at: Date
}

const profileShape = z.object({
  email: z.string(),
  name: z.string().exactOptional(),
  orgs: z.array(z.string()),
  roles: z.array(z.string()),
  idp_sub: z.string(),
})

/** What is known now takes the place of what was known from an earlier sign-in. */
export async function rememberPerson(
  { db, ring }: Store,
  { user_id, idp_id, profile, idp_refresh_token, expires_at }: NewSignIn,
): Promise<void> {
  const row = {
    idp_id,
    expires_at,
    profile: seal(ring, personName(user_id), profile),
    idp_refresh_token:
      idp_refresh_token === undefined
        ? null
        : seal(ring, personTokenName(user_id), idp_refresh_token),
    // As exact as a Date is, so that it names the sign-in.
    signed_in_at: sql<Date>`date_trunc('milliseconds', clock_timestamp())`,
    idp_asked_at: sql<Date>`clock_timestamp()`,
    idp_unavailable_since: null,
  }
  await db
    .insertInto('signed_in_people')
    .values({ user_id, ...row })
    .onConflict(conflict => conflict.column('user_id').doUpdateSet(row))
    .execute()
}

/** Undefined when they have not signed in, or too long ago. Rejects with SealError when it does not open. */
export async function findPerson(
  { db, ring }: Store,
  user_id: string,
): Promise<SignedInPerson | undefined> {
  const row = await db
    .selectFrom('signed_in_people')
    .selectAll()
    .where('user_id', '=', user_id)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { profile, idp_refresh_token, idp_unavailable_since, ...known } = row
  return {
    ...known,
    profile: openPerson({ ring }, user_id, profile),
    idp_unavailable_since: idp_unavailable_since ?? undefined,
    may_be_asked: idp_refresh_token !== null,
  }
}

/** A sign-in of somebody, which a later one of theirs replaces. */
export type SignIn = Pick<SignedInPerson, 'user_id' | 'signed_in_at'>

/**
 * The right to ask the identity provider about somebody: given to one caller in `seconds`, with what
 * there is to ask with. Undefined for everybody else.
 */
export async function claimQuestion(
  { db, ring }: Store,
  { user_id }: Pick<SignIn, 'user_id'>,
  seconds: number,
): Promise<(SignIn & { readonly idp_refresh_token: string }) | undefined> {
  const row = await db
    .updateTable('signed_in_people')
    .set({ idp_asked_at: sql<Date>`now()` })
    .where('user_id', '=', user_id)
    .where('idp_refresh_token', 'is not', null)
    .where('idp_asked_at', '<', sql<Date>`now() - make_interval(secs => ${seconds})`)
    .returning(['signed_in_at', 'idp_refresh_token'])
    .executeTakeFirst()
  if (!row?.idp_refresh_token) return undefined
  const name = personTokenName(user_id)
  const token = z.string().safeParse(unseal(ring, name, row.idp_refresh_token))
  if (!token.success) throw new SealError('malformed', `${name} does not hold a token`)
  return { user_id, signed_in_at: row.signed_in_at, idp_refresh_token: token.data }
}

/** Stores the token that came for the one that was sent, unless they have signed in again since. */
export async function savePersonToken(
  { db, ring }: Store,
  sign_in: SignIn,
  token: string,
): Promise<void> {
  const { user_id } = sign_in
  await update(db, sign_in, { idp_refresh_token: seal(ring, personTokenName(user_id), token) })
}

/** The identity provider confirmed them; with what it says of them now, where it says something. */
export async function confirmPerson(
  { db, ring }: Store,
  sign_in: SignIn,
  profile: PersonProfile | undefined,
): Promise<void> {
  await update(db, sign_in, {
    idp_unavailable_since: null,
    ...(profile === undefined ? {} : { profile: seal(ring, personName(sign_in.user_id), profile) }),
  })
}

/** The identity provider could not be asked. */
export async function notePersonUnconfirmed(db: Database, sign_in: SignIn): Promise<void> {
  await update(db, sign_in, {
    idp_unavailable_since: sql<Date>`coalesce(idp_unavailable_since, now())`,
  })
}

/** Nothing is known of them any more: they have no rights in the console until they sign in again. */
export async function forgetPerson(db: Database, user_id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('signed_in_people')
    .where('user_id', '=', user_id)
    .executeTakeFirstOrThrow()
  return numDeletedRows === 1n
}

/** False when they have signed in again since, or are forgotten. */
export async function isCurrent(db: Database, { user_id, signed_in_at }: SignIn): Promise<boolean> {
  const row = await db
    .selectFrom('signed_in_people')
    .select('user_id')
    .where('user_id', '=', user_id)
    .where('signed_in_at', '=', signed_in_at)
    .executeTakeFirst()
  return row !== undefined
}

async function update(
  db: Database,
  { user_id, signed_in_at }: SignIn,
  changes: UpdateObject<Tables, 'signed_in_people'>,
): Promise<void> {
  await db
    .updateTable('signed_in_people')
    .set(changes)
    .where('user_id', '=', user_id)
    .where('signed_in_at', '=', signed_in_at)
    .execute()
}

function openPerson({ ring }: Pick<Store, 'ring'>, user_id: string, sealed: Buffer): PersonProfile {
  const profile = profileShape.safeParse(unseal(ring, personName(user_id), sealed))
  if (!profile.success)
    throw new SealError('malformed', `${personName(user_id)} does not hold a person's profile`)
  return profile.data
}

/** What a person's profile is sealed for. */
export const personName = (user_id: string) => `signed_in_people/${user_id}`
/** What their identity provider's refresh token is sealed for. */
export const personTokenName = (user_id: string) => `signed_in_people/${user_id}/idp_refresh_token`

import { sql } from 'kysely'
import { type ConnectionProfile, openProfile } from './connections.ts'
import { type ConnectionSelector, selected } from './end-connections.ts'
import type { Store } from './store.ts'

/** A connection as people are shown it. */
export interface ListedConnection {
  readonly id: string
  readonly user_id: string
  /** Undefined when the row does not open. */
  readonly email: string | undefined
  readonly roles: ConnectionProfile['roles']
  readonly org_id: string
  readonly client_id: string
  readonly idp_id: string
  readonly status: 'active' | 'ended' | 'expired'
  readonly ended_reason: string | undefined
  readonly created_at: Date
  readonly last_used_at: Date | undefined
  readonly expires_at: Date
  readonly ended_at: Date | undefined
}

export interface Listing {
  /** Undefined for everybody's. */
  readonly selector: ConnectionSelector | undefined
  /** Whether those that are over are listed too. */
  readonly ended: boolean
}

const page = 500

/** The connections in the order of their ids, read a page at a time: any number of them. */
export async function* listConnections(
  store: Store,
  listing: Listing,
): AsyncGenerator<ListedConnection> {
  let after = ''
  for (;;) {
    const rows = await store.db
      .selectFrom('connections')
      .selectAll()
      .select(sql<boolean>`expires_at <= now()`.as('is_over'))
      .where(wanted(store, listing))
      .where('id', '>', after)
      .orderBy('id')
      .limit(page)
      .execute()
    for (const { profile, is_over, ...row } of rows) {
      const known = profileOf(store, row.id, profile)
      yield {
        id: row.id,
        user_id: row.user_id,
        email: known?.email,
        roles: known?.roles ?? [],
        org_id: row.org_id,
        client_id: row.client_id,
        idp_id: row.idp_id,
        status: row.status === 'active' && is_over ? 'expired' : row.status,
        ended_reason: row.ended_reason ?? undefined,
        created_at: row.created_at,
        last_used_at: row.last_used_at ?? undefined,
        expires_at: row.expires_at,
        ended_at: row.ended_at ?? undefined,
      }
    }
    const last = rows.at(-1)
    if (!last || rows.length < page) return
    after = last.id
  }
}

/** How many {@link listConnections} would give. */
export async function countConnections(store: Store, listing: Listing): Promise<number> {
  const { count } = await store.db
    .selectFrom('connections')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(wanted(store, listing))
    .executeTakeFirstOrThrow()
  return count
}

function wanted(store: Store, { selector, ended }: Listing) {
  const chosen = selector ? selected(store, selector) : sql<boolean>`true`
  return ended
    ? chosen
    : sql<boolean>`${chosen} and connections.status = 'active' and expires_at > now()`
}

function profileOf(store: Store, id: string, profile: Buffer): ConnectionProfile | undefined {
  try {
    return openProfile(store, id, profile)
  } catch {
    return undefined
  }
}

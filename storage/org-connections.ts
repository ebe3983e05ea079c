import { sql } from 'kysely'
import { openProfile } from './connections.ts'
import type { Database } from './database.ts'
import type { Store } from './store.ts'

/** Somebody with active connections in an org. */
export interface Member {
  readonly user_id: string
  /** Undefined when the row does not open. */
  readonly email: string | undefined
  readonly connections: number
  readonly last_used_at: Date | undefined
}

export interface MemberPage {
  /** Whom the page before ended with; from the beginning without it. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Members of an org in the order of their user ids, a page of them. */
export async function listMembers(
  store: Store,
  org_id: string,
  { after = '', limit }: MemberPage,
): Promise<readonly Member[]> {
  const { rows } = await sql<{
    user_id: string
    connections: number
    last_used_at: Date | null
    newest: string
    profile: Buffer
  }>`
    select grouped.*, connections.profile from (
      select user_id, count(*) as connections, max(last_used_at) as last_used_at,
        (array_agg(id order by created_at desc))[1] as newest
      from connections
      where org_id = ${org_id} and status = 'active' and expires_at > now() and user_id > ${after}
      group by user_id order by user_id limit ${limit}
    ) as grouped join connections on connections.id = newest
    order by grouped.user_id`.execute(store.db)
  return rows.map(({ user_id, connections, last_used_at, newest, profile }) => ({
    user_id,
    connections,
    last_used_at: last_used_at ?? undefined,
    email: emailOf(store, newest, profile),
  }))
}

/** How much a client is used in an org. */
export interface ClientUse {
  readonly client_id: string
  readonly connections: number
  readonly people: number
  readonly last_used_at: Date | undefined
}

/** Clients with active connections in an org, the most used first; at most a thousand. */
export async function listClientUse(db: Database, org_id: string): Promise<readonly ClientUse[]> {
  const { rows } = await sql<
    Omit<ClientUse, 'last_used_at'> & { readonly last_used_at: Date | null }
  >`
    select client_id, count(*) as connections, count(distinct user_id) as people,
      max(last_used_at) as last_used_at
    from connections
    where org_id = ${org_id} and status = 'active' and expires_at > now()
    group by client_id order by connections desc, client_id limit 1000`.execute(db)
  return rows.map(row => ({ ...row, last_used_at: row.last_used_at ?? undefined }))
}

/** How somebody was called when they last did something in an org; undefined when the trail does not say. */
export async function emailInTrail(
  db: Database,
  { org_id, user_id }: { readonly org_id: string; readonly user_id: string },
): Promise<string | undefined> {
  const row = await db
    .selectFrom('audit_events')
    .select('email')
    .where('user_id', '=', user_id)
    .where('org_id', '=', org_id)
    .where('email', 'is not', null)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.email ?? undefined
}

function emailOf(store: Store, id: string, profile: Buffer): string | undefined {
  try {
    return openProfile(store, id, profile).email
  } catch {
    return undefined
  }
}

import { sql } from 'kysely'
import type { Database } from './database.ts'
import { prepare } from './prepared.ts'

/** An org's word on a client. `blocked` ends its connections as well. */
export type ClientDecision = 'approved' | 'refused' | 'blocked'

export interface OrgClient {
  readonly org_id: string
  readonly client_id: string
}

/** A client that an org has decided about, or that somebody in it asked for. */
export interface ListedOrgClient extends OrgClient {
  readonly status: ClientDecision | 'waiting'
  /** As it called itself when it was asked for. */
  readonly client_name: string | undefined
  readonly asked_by: readonly string[]
  readonly asked_at: Date | undefined
  readonly decided_by: string | undefined
  readonly decided_at: Date | undefined
}

/** How many clients one person may have asked for and not been answered about, in one org. */
export const most_requests = 20

const lockShared = prepare((db, name: string) =>
  sql`select pg_advisory_xact_lock_shared(hashtextextended(${name}, 0))`.compile(db),
)
const lockExclusive = prepare((db, name: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.compile(db),
)

/**
 * Nothing is decided about this client while the transaction lasts. `shared` for making a connection,
 * of which there may be many at a time.
 */
export async function lockOrgClient(
  transaction: Database,
  { org_id, client_id }: OrgClient,
  mode: 'shared' | 'exclusive',
): Promise<void> {
  const name = JSON.stringify(['org_client', org_id, client_id])
  await (mode === 'shared' ? lockShared : lockExclusive)(transaction, name)
}

const decision = prepare((db, org_id: string, client_id: string) =>
  db
    .selectFrom('client_decisions')
    .select('status')
    .where('org_id', '=', org_id)
    .where('client_id', '=', client_id)
    .compile(),
)

export async function findClientDecision(
  db: Database,
  { org_id, client_id }: OrgClient,
): Promise<ClientDecision | undefined> {
  return (await decision(db, org_id, client_id)).rows[0]?.status
}

/**
 * Notes that somebody wants this client. One row for a person, org and client, however often they
 * come. False when they wait for too many already.
 */
export async function requestClient(
  db: Database,
  request: OrgClient & { readonly user_id: string; readonly client_name: string },
): Promise<boolean> {
  const { org_id, client_id, user_id, client_name } = request
  const { rows } = await sql<{ there: boolean }>`
    with counted as (
      select count(*) as waiting from client_requests
      where org_id = ${org_id} and user_id = ${user_id} and client_id <> ${client_id}
        and not exists (select from client_decisions as decided
          where decided.org_id = client_requests.org_id
            and decided.client_id = client_requests.client_id)
    ), added as (
      insert into client_requests (org_id, client_id, user_id, client_name)
      select ${org_id}, ${client_id}, ${user_id}, ${client_name.replaceAll('\0', '').slice(0, 200)}
      from counted where waiting < ${most_requests}
      on conflict (org_id, client_id, user_id) do update set client_name = excluded.client_name
      returning 1
    )
    select exists (select from added) as there`.execute(db)
  return rows[0]?.there ?? false
}

/** `decided_by` is a user id, or `operator`. To be called under {@link lockOrgClient}, exclusive. */
export async function decideClient(
  transaction: Database,
  { org_id, client_id }: OrgClient,
  { status, decided_by }: { readonly status: ClientDecision; readonly decided_by: string },
): Promise<void> {
  const decision = { status, decided_by, decided_at: sql<Date>`now()` }
  await transaction
    .insertInto('client_decisions')
    .values({ org_id, client_id, ...decision })
    .onConflict(conflict => conflict.columns(['org_id', 'client_id']).doUpdateSet(decision))
    .execute()
}

/** Those that wait first; at most a thousand. An org undefined is every org. */
export async function listOrgClients(
  db: Database,
  { org_id }: { readonly org_id: string | undefined },
): Promise<readonly ListedOrgClient[]> {
  const { rows } = await sql<{
    org_id: string
    client_id: string
    status: ListedOrgClient['status']
    client_name: string | null
    asked_by: string[] | null
    asked_at: Date | null
    decided_by: string | null
    decided_at: Date | null
  }>`
    select org_id, client_id, coalesce(status, 'waiting') as status, client_name, asked_by, asked_at,
      decided_by, decided_at
    from client_decisions full join (
      select org_id, client_id, max(client_name) as client_name, min(asked_at) as asked_at,
        array_agg(user_id order by asked_at) as asked_by
      from client_requests group by org_id, client_id
    ) as requests using (org_id, client_id)
    where ${org_id ?? null}::text is null or org_id = ${org_id ?? null}
    order by status is not null, asked_at desc nulls last, org_id, client_id limit 1000`.execute(db)
  return rows.map(row => ({
    org_id: row.org_id,
    client_id: row.client_id,
    status: row.status,
    client_name: row.client_name ?? undefined,
    asked_by: row.asked_by ?? [],
    asked_at: row.asked_at ?? undefined,
    decided_by: row.decided_by ?? undefined,
    decided_at: row.decided_at ?? undefined,
  }))
}

import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import { prepare } from './prepared.ts'

/** What an approval was given for. */
export interface ApprovalKey {
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
  /** Where the browser is sent back to: an origin without loopback port, or a scheme (`cursor:`). */
  readonly redirect: string
  readonly resource: string
}

export interface Approval extends ApprovalKey {
  readonly scopes: readonly string[]
  /** Whether the person wants not to be asked again. */
  readonly skips_consent: boolean
  readonly created_at: Date
  readonly last_used_at: Date
}

/** Which approvals: all that is named must hold. At least one is to be named. */
export interface ApprovalSelector {
  readonly user_id?: string
  readonly org_id?: string
  readonly client_id?: string
}

/** An approval that nobody has used for so long is forgotten, days. */
export const approval_idle_days = 180

const is_fresh = sql<boolean>`last_used_at > now() - make_interval(days => ${approval_idle_days})`

/** Remembers what was approved. What was approved before for the same key stays approved. */
export async function rememberApproval(
  db: Database,
  { user_id, org_id, client_id, redirect, resource }: ApprovalKey,
  { scopes, skips_consent }: Pick<Approval, 'scopes' | 'skips_consent'>,
): Promise<void> {
  await sql`
    insert into approvals (user_id, org_id, client_id, redirect, resource, scopes, skips_consent)
    values (${user_id}, ${org_id}, ${client_id}, ${redirect}, ${resource}, ${[...scopes].sort()},
      ${skips_consent})
    on conflict (user_id, org_id, client_id, redirect, resource) do update set
      scopes = case
        when approvals.last_used_at > now() - make_interval(days => ${approval_idle_days})
        then (select array_agg(distinct scope order by scope)
              from unnest(approvals.scopes || excluded.scopes) as scope)
        else excluded.scopes end,
      skips_consent = excluded.skips_consent,
      last_used_at = now()`.execute(db)
}

/**
 * True when the person approved before all that is asked for, and wants not to be asked again. The
 * approval then counts as used now.
 */
export async function useApproval(
  db: Database,
  key: ApprovalKey,
  scopes: readonly string[],
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update approvals set last_used_at = now()
    where ${sameKey(key)} and skips_consent and scopes @> ${[...scopes]}::text[] and ${is_fresh}`.execute(
    db,
  )
  return numAffectedRows === 1n
}

/** What there is to say of an earlier approval where another one is asked for. */
export type EarlierApproval = Pick<Approval, 'redirect' | 'scopes' | 'skips_consent'>

const findEarlier = prepare(
  (db, user_id: string, org_id: string, client_id: string, resource: string) =>
    db
      .selectFrom('approvals')
      .select(['redirect', 'scopes', 'skips_consent'])
      .where('user_id', '=', user_id)
      .where('org_id', '=', org_id)
      .where('client_id', '=', client_id)
      .where('resource', '=', resource)
      .where(is_fresh)
      .compile(),
)

/** What this user has approved for this client and org before, wherever it sent them back to. */
export async function findApprovals(
  db: Database,
  { user_id, org_id, client_id, resource }: Omit<ApprovalKey, 'redirect'>,
): Promise<readonly EarlierApproval[]> {
  return (await findEarlier(db, user_id, org_id, client_id, resource)).rows
}

/** Newest first, at most a thousand; `undefined` selects everybody's. */
export async function listApprovals(
  db: Database,
  selector: ApprovalSelector | undefined,
): Promise<readonly Approval[]> {
  return db
    .selectFrom('approvals')
    .selectAll()
    .where(selector === undefined ? sql<boolean>`true` : selectedApprovals(selector))
    .orderBy('created_at', 'desc')
    .limit(1_000)
    .execute()
}

/**
 * The person is asked again from now on. Gives what was forgotten.
 *
 * @throws TypeError when the selector names nothing: that would be everybody
 */
export async function forgetApprovals(
  db: Database,
  selector: ApprovalSelector,
): Promise<readonly Approval[]> {
  return db.deleteFrom('approvals').where(selectedApprovals(selector)).returningAll().execute()
}

/**
 * Ends of a connection that say nothing about what the person approved: the client signed itself
 * out, or the identity provider wants to see the person again. After every other one they are asked.
 */
const approval_survives: readonly string[] = ['client_revoked', 'idp_logout', 'idp_refused']

/** Whether a connection that ends for this reason takes the approval with it. */
export function forgetsApproval(reason: string): boolean {
  return !approval_survives.includes(reason)
}

function selectedApprovals(selector: ApprovalSelector): RawBuilder<boolean> {
  const conditions = Object.entries(selector).map(
    ([column, value]) => sql<boolean>`${sql.ref(`approvals.${column}`)} = ${value}`,
  )
  if (conditions.length === 0) throw new TypeError('the selector names no approval')
  return sql<boolean>`${sql.join(conditions, sql` and `)}`
}

function sameKey(key: ApprovalKey): RawBuilder<boolean> {
  return sql<boolean>`user_id = ${key.user_id} and org_id = ${key.org_id}
    and client_id = ${key.client_id} and redirect = ${key.redirect} and resource = ${key.resource}`
}

import { type RawBuilder, sql } from 'kysely'
import type { AuditOutcome, AuditType } from './audit-event.ts'

/** Whose events somebody may read, whatever they ask for. */
export type AuditReader =
  /** All of an organization. */
  | { readonly org_id: string }
  /** What one person did for these organizations, and before they acted for any: signing in, say. */
  | { readonly user_id: string; readonly org_ids: readonly string[] }

/** Which events; all that is named must hold. */
export interface AuditFilter {
  readonly seen_by?: AuditReader
  readonly org_id?: string
  readonly user_id?: string
  readonly email?: string
  readonly client_id?: string
  readonly connection_id?: string
  readonly tool?: string
  readonly type?: AuditType
  readonly outcome?: AuditOutcome
  /** From then on. */
  readonly since?: Date
  /** Before then. */
  readonly until?: Date
}

/** Characters of a client id that an index holds; the migration says so too. */
const indexed_client_id = 200

/** What must hold of `audit_events`, each to be joined with `and`. */
export function* auditConditions(filter: AuditFilter): Generator<RawBuilder<unknown>> {
  const { seen_by, client_id, type, outcome, since, until, ...equal } = filter
  if (seen_by) yield readable(seen_by)
  for (const [name, value] of Object.entries(equal)) yield sql`${sql.ref(name)} = ${value}`
  if (client_id !== undefined)
    yield sql`left(client_id, ${sql.lit(indexed_client_id)}) =
      left(${client_id}, ${sql.lit(indexed_client_id)}) and client_id = ${client_id}`
  // In the words of the partial indexes: the planner sees that those do for it.
  if (type !== undefined) yield sql`type = ${sql.lit(type)}`
  if (outcome !== undefined) yield sql`outcome = ${sql.lit(outcome)}`
  if (since) yield sql`at >= ${since.toISOString()}::timestamptz`
  if (until) yield sql`at < ${until.toISOString()}::timestamptz`
}

function readable(reader: AuditReader): RawBuilder<unknown> {
  return 'org_id' in reader
    ? sql`org_id = ${reader.org_id}`
    : sql`user_id = ${reader.user_id} and (org_id = any(${[...reader.org_ids]}) or org_id is null)`
}

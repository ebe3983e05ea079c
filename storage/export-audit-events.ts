import { type RawBuilder, sql } from 'kysely'
import { type AuditFilter, auditConditions } from './audit-filter.ts'
import type { Database } from './database.ts'

/** The columns in the order in which they are exported. */
export const audit_columns = [
  'id',
  'at',
  'type',
  'outcome',
  'request_id',
  'user_id',
  'org_id',
  'email',
  'client_id',
  'client_kind',
  'connection_id',
  'ip',
  'tool',
  'argument_digest',
  'error_code',
  'reason',
  'duration_ms',
  'count',
  'route',
  'limited_by',
] as const

export type AuditColumn = (typeof audit_columns)[number]

/** `at` is ISO 8601 in UTC with microseconds: a Date would lose three digits of it. */
export type ExportedEvent = Readonly<Record<AuditColumn, string | number | null>>

/** The place after an event, from which a reader goes on. */
export type AuditCursor = Pick<ExportedEvent, 'at' | 'id'>

const page = 1_000

/** The events in the order of their time, read a page at a time: any number of them. */
export async function* exportAuditEvents(
  db: Database,
  filter: AuditFilter,
): AsyncGenerator<ExportedEvent> {
  for await (const events of exportAuditPages(db, filter)) yield* events
}

/** The same in the pages in which they are read; none of them is empty. */
export async function* exportAuditPages(
  db: Database,
  filter: AuditFilter,
): AsyncGenerator<readonly ExportedEvent[]> {
  let after: AuditCursor | undefined
  for (;;) {
    const events: readonly ExportedEvent[] = await searchAuditEvents(db, filter, {
      ...(after ? { after } : {}),
      order: 'asc',
      limit: page,
    })
    if (events.length > 0) yield events
    after = events.at(-1)
    if (!after || events.length < page) return
  }
}

/** One page of them, the latest or the oldest first, beginning after `after`. */
export async function searchAuditEvents(
  db: Database,
  filter: AuditFilter,
  page: {
    readonly after?: AuditCursor
    readonly order: 'asc' | 'desc'
    readonly limit: number
  },
): Promise<readonly ExportedEvent[]> {
  const { rows } = await auditQuery(filter, page).execute(db)
  return rows
}

/** The statement of a page, for whoever wants to explain it. */
export function auditQuery(
  filter: AuditFilter,
  { after, order, limit }: Parameters<typeof searchAuditEvents>[2],
): RawBuilder<ExportedEvent> {
  const direction = sql.raw(order)
  const conditions = [...auditConditions(filter)]
  if (after)
    conditions.push(
      sql`(at, id) ${sql.raw(order === 'asc' ? '>' : '<')}
        (${after.at}::timestamptz, ${after.id}::bigint)`,
    )
  const columns = audit_columns.map(name =>
    name === 'at'
      ? sql`to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`
      : sql.ref(name),
  )
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`
  return sql<ExportedEvent>`
    select ${sql.join(columns)} from audit_events event ${where}
    order by event.at ${direction}, event.id ${direction} limit ${limit}`
}

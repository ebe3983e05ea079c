import { type RawBuilder, sql } from 'kysely'
import type { AuditEvent } from './audit-event.ts'
import { auditRow } from './audit-row.ts'
import type { Database } from './database.ts'
import { prepare } from './prepared.ts'

export type { AuditEvent, AuditType } from './audit-event.ts'

/**
 * Puts an event on record; the database gives it its id and, unless it has one, its time. When this
 * resolves outside a transaction the event is on disk. When it rejects, the caller must not let
 * through what could not be recorded.
 */
export function recordAuditEvent(db: Database, event: AuditEvent): Promise<void> {
  return recordAuditEvents(db, [event])
}

/** The same for any number of events: all of them by one statement, or none. */
export async function recordAuditEvents(
  db: Database,
  events: readonly AuditEvent[],
): Promise<void> {
  await insert(db, auditEventsJson(events))
}

/**
 * Puts events on record that may be told more than once: of the same type, request and time only
 * the first counts. Gives how many were new.
 */
export async function recordAuditEventsOnce(
  db: Database,
  events: readonly AuditEvent[],
): Promise<number> {
  const { numAffectedRows } = await insertOnce(db, auditEventsJson(events))
  return Number(numAffectedRows ?? 0)
}

/** What {@link insertAuditEvents} takes. */
export function auditEventsJson(events: readonly AuditEvent[]): string {
  return JSON.stringify(events.map(auditRow))
}

/** The members of an event in JSON, as columns. */
export const audit_event_columns = sql`
  type text, outcome text, request_id text, user_id text, org_id text, email text,
  client_id text, client_kind text, connection_id text, ip text, tool text, argument_digest text,
  error_code text, reason text, route text, limited_by text, duration_ms double precision,
  count integer, at timestamptz`

/** As a part of a statement: `from` has a table `event` of {@link audit_event_columns}. */
export const insertAuditEventsFrom = (from: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  insert into audit_events (type, outcome, request_id, user_id, org_id, email, client_id,
    client_kind, connection_id, ip, tool, argument_digest, error_code, reason, route, limited_by,
    duration_ms, count, at)
  select event.type, event.outcome, event.request_id, event.user_id, event.org_id, event.email,
    event.client_id, event.client_kind, event.connection_id, event.ip, event.tool,
    event.argument_digest, event.error_code, event.reason, event.route, event.limited_by,
    event.duration_ms, event.count, coalesce(event.at, now())
  from ${from}`

/** As a part of a statement: one parameter, however many events, so it is always the same. */
export const insertAuditEvents = (json: string, condition = sql``): RawBuilder<unknown> =>
  insertAuditEventsFrom(
    sql`json_to_recordset(${json}::json) as event (${audit_event_columns}) ${condition}`,
  )

const insert = prepare((db, json: string) => insertAuditEvents(json).compile(db))
const insertOnce = prepare((db, json: string) =>
  insertAuditEvents(
    json,
    sql`on conflict (request_id, at) where type = 'rate_limit' do nothing`,
  ).compile(db),
)

import type { AuditEvent } from './audit-event.ts'

/** Characters that are kept of a text; ids of ours are far shorter, client ids may be URLs. */
const longest = {
  request_id: 128,
  user_id: 256,
  org_id: 256,
  email: 320,
  client_id: 2_048,
  client_kind: 16,
  connection_id: 256,
  ip: 64,
  tool: 128,
  argument_digest: 128,
  error_code: 128,
  reason: 1_000,
  route: 256,
  limited_by: 16,
} as const

type Text = keyof typeof longest

/** A row of `audit_events` as the database takes it; every member is there. */
export type AuditRow = Readonly<
  Record<Text, string | null> & {
    type: string
    outcome: string
    at: string | null
    duration_ms: number | null
    count: number | null
  }
>

const greatest_count = 2_147_483_647

/**
 * The row of an event. A client chooses some of these texts, a tool's name say, and must not be able
 * to keep its own event off the record: what PostgreSQL has no text for becomes U+FFFD, and what is
 * too long is cut.
 */
export function auditRow(event: AuditEvent): AuditRow {
  const given: Readonly<Partial<Record<Text, string>>> = event
  const text = (name: Text) => {
    const value = given[name]
    return value === undefined ? null : storable(value, longest[name])
  }
  const { type, outcome, at, duration_ms, count } = event
  return {
    type,
    outcome,
    request_id: text('request_id'),
    user_id: text('user_id'),
    org_id: text('org_id'),
    email: text('email'),
    client_id: text('client_id'),
    client_kind: text('client_kind'),
    connection_id: text('connection_id'),
    ip: text('ip'),
    tool: text('tool'),
    argument_digest: text('argument_digest'),
    error_code: text('error_code'),
    reason: text('reason'),
    route: text('route'),
    limited_by: text('limited_by'),
    at: at === undefined || Number.isNaN(at.getTime()) ? null : at.toISOString(),
    duration_ms: duration_ms !== undefined && Number.isFinite(duration_ms) ? duration_ms : null,
    count:
      count === undefined || !Number.isFinite(count)
        ? null
        : Math.min(greatest_count, Math.max(1, Math.trunc(count))),
  }
}

/** Cut first, for that may leave half of a character. */
function storable(value: string, most: number): string {
  return value.slice(0, most).toWellFormed().replaceAll('\0', '\uFFFD')
}

import type { Database } from './database.ts'

export type AuditType =
  | 'registration'
  | 'sign_in'
  | 'consent'
  | 'token'
  | 'refresh'
  | 'revocation'
  | 'refusal'
  | 'tool_call'

/** `argument_digest` stands for a tool's arguments, which are not ours to keep. */
export interface AuditEvent {
  readonly type: AuditType
  readonly outcome: 'started' | 'ok' | 'error' | 'refused'
  readonly request_id?: string
  readonly user_id?: string
  readonly org_id?: string
  readonly email?: string
  readonly client_id?: string
  readonly connection_id?: string
  readonly tool?: string
  readonly argument_digest?: string
  readonly error_code?: string
  readonly duration_ms?: number
  readonly reason?: string
}

/**
 * Puts an event on record; the database gives it its id and time. When this resolves the event is
 * on disk. When it rejects, the caller must not let through what could not be recorded.
 */
export async function recordAuditEvent(db: Database, event: AuditEvent): Promise<void> {
  await db
    .insertInto('audit_events')
    .values({
      type: event.type,
      outcome: event.outcome,
      request_id: text(event.request_id),
      user_id: text(event.user_id),
      org_id: text(event.org_id),
      email: text(event.email),
      client_id: text(event.client_id),
      connection_id: text(event.connection_id),
      tool: text(event.tool),
      argument_digest: text(event.argument_digest),
      error_code: text(event.error_code),
      duration_ms: event.duration_ms ?? null,
      reason: text(event.reason),
    })
    .execute()
}

/**
 * PostgreSQL has no text with a NUL in it. What a client sent, a tool's name say, must not be able
 * to keep its own event off the record.
 */
const text = (value: string | undefined) => value?.replaceAll('\0', '\uFFFD') ?? null

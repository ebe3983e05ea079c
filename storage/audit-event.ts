/**
 * Who vouches for a client: the host that publishes its metadata document, the operator of the
 * gateway, or nobody but the client itself.
 */
export type ClientKind = 'verified_host' | 'pre_registered' | 'self_declared'

/** Whom an event is about, as far as it is known. Ids are as in `connections`. */
export interface AuditSubject {
  /** Kong's id of the request: the same in every log. */
  readonly request_id?: string
  readonly user_id?: string
  readonly org_id?: string
  readonly email?: string
  readonly client_id?: string
  /** As the consent page shows the client; only the authorization server knows it. */
  readonly client_kind?: ClientKind
  readonly connection_id?: string
  /** The client's address as Kong sees it. */
  readonly ip?: string
}

/** What every kind of event may say of what happened. */
interface AuditDetail {
  /** The OAuth or JSON-RPC error, or a word of ours; absent when all went well. */
  readonly error_code?: string
  /** In words, for whoever reads the trail. Never anything a client must keep secret. */
  readonly reason?: string
  /** Milliseconds. */
  readonly duration_ms?: number
  /** How many times it happened in the minute that begins at `at`; absent for once. */
  readonly count?: number
  /** When it happened, where that is not when it was written. */
  readonly at?: Date
}

type Outcome = 'ok' | 'error' | 'refused'

/** A tool was called. `started` comes before a call that writes; the same call ends with another. */
export interface ToolCallEvent extends AuditSubject, AuditDetail {
  readonly type: 'tool_call'
  readonly outcome: 'started' | Outcome
  readonly tool: string
  /** Stands for the arguments, which are not ours to keep: SHA-256, hexadecimal, of canonical JSON. */
  readonly argument_digest?: string
}

/** Kong answered 429. */
export interface RateLimitEvent extends AuditSubject, AuditDetail {
  readonly type: 'rate_limit'
  readonly outcome: 'refused'
  /** Whose limit it was. */
  readonly limited_by: 'ip' | 'user' | 'org' | 'tool'
  /** Kong's name of the route. */
  readonly route?: string
  readonly tool?: string
}

/**
 * The authorization server did something, or turned something away; so did the MCP endpoint (`refusal`), and
 * the console (`export`).
 */
export interface AccessEvent extends AuditSubject, AuditDetail {
  readonly type:
    | 'registration'
    | 'sign_in'
    | 'consent'
    | 'token'
    | 'refresh'
    | 'revocation'
    | 'logout'
    | 'refusal'
    | 'export'
  readonly outcome: 'started' | Outcome
  /** A tool that was refused by name before it was called. */
  readonly tool?: string
}

/** One thing that was done or refused. docs/audit.md says when each is written. */
export type AuditEvent = ToolCallEvent | RateLimitEvent | AccessEvent

export type AuditType = AuditEvent['type']
export type AuditOutcome = AuditEvent['outcome']

export const audit_types = [
  'registration',
  'sign_in',
  'consent',
  'token',
  'refresh',
  'revocation',
  'logout',
  'export',
  'refusal',
  'rate_limit',
  'tool_call',
] as const satisfies readonly AuditType[]

export const audit_outcomes = [
  'started',
  'ok',
  'error',
  'refused',
] as const satisfies readonly AuditOutcome[]

import { audit_outcomes, audit_types } from '../../storage/audit-event.ts'
import type { AuditOutcome, AuditType } from '../../storage/audit-event.ts'
import type { AuditColumn, ExportedEvent } from '../../storage/export-audit-events.ts'
import type { Asked } from './search-form.ts'
import { visibleText } from './visible-text.ts'

export const type_words: Readonly<Record<AuditType, string>> = {
  tool_call: 'Tool call',
  sign_in: 'Sign-in',
  consent: 'Consent',
  token: 'Token issued',
  refresh: 'Token renewed',
  revocation: 'Revocation',
  logout: 'Sign-out',
  export: 'Export of the trail',
  registration: 'Registration of an app',
  refusal: 'Request refused',
  rate_limit: 'Rate limit',
}

export const outcome_words: Readonly<Record<AuditOutcome, string>> = {
  ok: 'OK',
  error: 'Failed',
  refused: 'Refused',
  started: 'Started',
}

/** How the columns are called for people; what stands in the row itself is not repeated. */
const details = {
  error_code: 'Error',
  reason: 'Reason',
  client_id: 'AI app',
  client_kind: 'Vouched for by',
  user_id: 'User id',
  connection_id: 'Connection',
  duration_ms: 'Milliseconds',
  count: 'Times in the minute',
  limited_by: 'Limited by',
  route: 'Route',
  ip: 'Address',
  argument_digest: 'Digest of the arguments',
  request_id: 'Request',
  id: 'Event',
} as const satisfies Partial<Record<AuditColumn, string>>

/** Who vouches for an app, as the consent page says it. */
const kind_words: Readonly<Record<string, string>> = {
  verified_host: 'The host that publishes it',
  pre_registered: 'The operator of the gateway',
  self_declared: 'Nobody: the app says so itself',
}

export interface EventWords {
  /** For the machine, and for people: UTC, to the second. */
  readonly at: { readonly iso: string; readonly day: string; readonly time: string }
  readonly what: string
  readonly tool: string | undefined
  readonly outcome: { readonly name: AuditOutcome; readonly word: string }
  /** An email, or a user id; undefined when nobody was known. */
  readonly who: string | undefined
  readonly org: string | undefined
  readonly details: readonly {
    readonly name: AuditColumn
    readonly label: string
    readonly text: string
    /** Searches for what has the same, if one may. */
    readonly more?: Asked
  }[]
}

/** An event as a page shows it; `type` and `outcome` are ours, every other text is a stranger's. */
export function eventWords(event: ExportedEvent): EventWords {
  const iso = String(event.at)
  const type = audit_types.find(each => each === event.type)
  const outcome = audit_outcomes.find(each => each === event.outcome)
  if (!outcome) throw new TypeError(`event ${String(event.id)} has no outcome that is known`)
  return {
    at: { iso, day: iso.slice(0, 10), time: iso.slice(11, 19) },
    what: type ? type_words[type] : visibleText(String(event.type)),
    tool: textOf(event.tool),
    outcome: { name: outcome, word: outcome_words[outcome] },
    who: textOf(event.email ?? event.user_id),
    org: textOf(event.org_id),
    details: (Object.keys(details) as (keyof typeof details)[]).flatMap(name => {
      const text = textOf(event[name])
      if (text === undefined) return []
      const more = searchFor(name, event)
      return [
        {
          name,
          label: details[name],
          text: name === 'client_kind' ? (kind_words[text] ?? text) : text,
          ...(more ? { more } : {}),
        },
      ]
    }),
  }
}

const textOf = (value: string | number | null): string | undefined =>
  value === null ? undefined : visibleText(String(value))

function searchFor(name: AuditColumn, event: ExportedEvent): Asked | undefined {
  const { client_id, connection_id, user_id } = event
  if (name === 'client_id' && client_id !== null) return { client: String(client_id) }
  if (name === 'user_id' && user_id !== null) return { user: String(user_id) }
  if (name === 'connection_id' && connection_id !== null)
    // Of a connection's events those of its user are found by an index.
    return {
      connection: String(connection_id),
      ...(user_id === null ? {} : { user: String(user_id) }),
    }
  return undefined
}

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RateLimitEvent } from '../storage/audit-event.ts'
import type { IdentityErrorCode } from './identity/identity-error.ts'
import type { ToolErrorCode } from './tools/tool-error.ts'
import { type Callers, countCallers } from './usage/busiest-callers.ts'

/**
 * What became of a call of a tool; `not_recorded` was answered with an error for that reason, and for
 * `cancelled` nobody waited any more.
 */
export type ToolOutcome =
  'ok' | 'unknown_tool' | 'internal_error' | 'not_recorded' | 'cancelled' | ToolErrorCode

/** No label is chosen by a client, and none names a person: the number of series is bounded. */
export interface Metrics {
  readonly registry: Registry
  /** There are these tools: each has its series before anybody calls it. */
  tools(names: readonly string[]): void
  /** Begins a call of a tool there is, `undefined` for any other; the function it gives ends it. */
  toolCall(tool: string | undefined): (outcome: ToolOutcome) => void
  /** Begins a write to the audit trail; the function it gives ends it. */
  auditWrite(): (labels: { readonly result: 'ok' | 'error' }) => void
  /** A tool is called by somebody: counted for five minutes, shown without a name. */
  caller(identity: { readonly user_id: string; readonly org_id: string }): void
  /** `internal_error` when the check itself failed. */
  identityRefusal(code: IdentityErrorCode | 'internal_error'): void
  /** Kong told of an answer of 429. */
  rateLimitRefusal(limited_by: RateLimitEvent['limited_by']): void
}

/** What a tool that is not there is called: its name is the client's to choose. */
const UNKNOWN = 'unknown'
/** Seconds: queries of a local database, or a tool that asks other companies. */
const CALL_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]
/** Seconds that a durable insert takes. */
const WRITE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15]

/** What can be wrong with an assertion; each is a series from the start, so its first rise is seen. */
const REFUSAL_CODES = [
  'missing',
  'malformed',
  'unexpected_header',
  'wrong_type',
  'wrong_algorithm',
  'unknown_key',
  'bad_signature',
  'expired',
  'bad_claims',
  'keys_unavailable',
  'internal_error',
] as const satisfies readonly (IdentityErrorCode | 'internal_error')[]

export interface Measured {
  /** Seconds that the oldest event waits which is not on disk yet. */
  readonly audit_lag: () => number
  /** Milliseconds. */
  readonly clock?: () => number
}

export function createMetrics(
  { audit_lag, clock = () => performance.now() }: Measured = { audit_lag: () => 0 },
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const calls = new Counter({
    name: 'mcp_tool_calls_total',
    help: 'Calls of tools by outcome. Tools that are not there are one: unknown.',
    labelNames: ['tool', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'mcp_tool_call_seconds',
    help: 'Time from the call of a tool to its answer, which is on record by then.',
    labelNames: ['tool'],
    buckets: CALL_BUCKETS,
    registers,
  })
  const writes = new Histogram({
    name: 'mcp_audit_write_seconds',
    help: 'Time until an audit event is on disk, or is known not to be.',
    labelNames: ['result'],
    buckets: WRITE_BUCKETS,
    registers,
  })
  new Gauge({
    name: 'mcp_audit_lag_seconds',
    help: 'Age of the oldest audit event that is not on disk yet; 0 when all are.',
    registers,
    collect() {
      this.set(audit_lag())
    },
  })
  const refusals = new Counter({
    name: 'mcp_identity_refusals_total',
    help: 'Requests without a good identity assertion, by what was wrong with it.',
    labelNames: ['code'],
    registers,
  })
  const limited = new Counter({
    name: 'mcp_rate_limit_refusals_total',
    help: "Answers of 429 that Kong's http-log told of, by whose limit it was.",
    labelNames: ['limited_by'],
    registers,
  })
  for (const limited_by of ['ip', 'user', 'org', 'tool']) limited.inc({ limited_by }, 0)
  for (const code of REFUSAL_CODES) refusals.inc({ code }, 0)
  for (const result of ['ok', 'error']) writes.zero({ result })
  const callers = { user: countCallers({ clock }), org: countCallers({ clock }) }
  showCallers(registry, callers)
  return {
    registry,
    tools(names) {
      for (const tool of [...names, UNKNOWN])
        for (const outcome of ['ok', 'internal_error', 'not_recorded'])
          calls.inc({ tool, outcome }, 0)
    },
    toolCall(tool = UNKNOWN) {
      const ended = seconds.startTimer({ tool })
      return outcome => {
        ended()
        calls.inc({ tool, outcome })
      }
    },
    auditWrite: () => writes.startTimer(),
    caller({ user_id, org_id }) {
      callers.user.called(user_id)
      callers.org.called(org_id)
    },
    identityRefusal: code => refusals.inc({ code }),
    rateLimitRefusal: limited_by => limited.inc({ limited_by }),
  }
}

const KINDS = ['user', 'org'] as const

/** The busiest beside the median: one of them far above the other is unusual use. */
function showCallers(
  registry: Registry,
  callers: Readonly<Record<(typeof KINDS)[number], Callers>>,
): void {
  const registers = [registry]
  new Gauge({
    name: 'mcp_callers',
    help: 'How many users, and organizations, called a tool within the last five minutes.',
    labelNames: ['of'],
    registers,
    collect() {
      for (const kind of KINDS) this.set({ of: kind }, callers[kind].counts().length)
    },
  })
  new Gauge({
    name: 'mcp_caller_calls',
    help: 'Tool calls within the last five minutes of one user, or organization: of the busiest, and of the median.',
    labelNames: ['of', 'rank'],
    registers,
    collect() {
      for (const kind of KINDS) {
        const counts = callers[kind].counts()
        this.set({ of: kind, rank: 'busiest' }, counts.at(-1) ?? 0)
        this.set({ of: kind, rank: 'median' }, counts[Math.floor((counts.length - 1) / 2)] ?? 0)
      }
    },
  })
}

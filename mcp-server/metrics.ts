import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { IdentityErrorCode } from './identity/identity-error.ts'
import type { ToolErrorCode } from './tools/tool-error.ts'

/** What became of a call of a tool; `not_recorded` was answered with an error for that reason. */
export type ToolOutcome = 'ok' | 'unknown_tool' | 'internal_error' | 'not_recorded' | ToolErrorCode

/** No label is chosen by a client, and none names a person: the number of series is bounded. */
export interface Metrics {
  readonly registry: Registry
  /** Begins a call of a tool there is, `undefined` for any other; the function it gives ends it. */
  toolCall(tool: string | undefined): (outcome: ToolOutcome) => void
  /** Begins a write to the audit trail; the function it gives ends it. */
  auditWrite(): (labels: { readonly result: 'ok' | 'error' }) => void
  /** `internal_error` when the check itself failed. */
  identityRefusal(code: IdentityErrorCode | 'internal_error'): void
}

/** What a tool that is not there is called: its name is the client's to choose. */
const UNKNOWN = 'unknown'
/** Seconds: queries of a local database, or a tool that asks other companies. */
const CALL_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]
/** Seconds that a durable insert takes. */
const WRITE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15]

export interface Measured {
  /** Seconds that the oldest event waits which is not on disk yet. */
  readonly audit_lag: () => number
}

export function createMetrics({ audit_lag }: Measured = { audit_lag: () => 0 }): Metrics {
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
  return {
    registry,
    toolCall(tool = UNKNOWN) {
      const ended = seconds.startTimer({ tool })
      return outcome => {
        ended()
        calls.inc({ tool, outcome })
      }
    },
    auditWrite: () => writes.startTimer(),
    identityRefusal: code => refusals.inc({ code }),
  }
}

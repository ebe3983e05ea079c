import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AuditEvent } from '../../storage/audit-event.ts'
import type { HousekeepingDone } from '../../storage/housekeeping.ts'
import { type RefusalReason, refusal_reasons } from './door/challenge.ts'
import { createRuntimeGauges, type WatchRuntime } from './runtime-gauges.ts'

/** An audit event, and the identity provider that a sign-in or a refresh was about. */
export type CountedEvent = AuditEvent & { readonly idp?: string }

export type RequestOutcome = 'admitted' | 'answered' | 'refused' | 'error'

/** No label is chosen by a client, and none names a person: the number of series is bounded. */
export interface Metrics {
  readonly registry: Registry
  request(
    serve: 'resource' | 'authorization',
    outcome: RequestOutcome,
    reason?: RefusalReason,
  ): void
  /** A validation took so many milliseconds, whatever came of it. */
  validation(milliseconds: number): void
  /** Begins a write to the audit trail; the function it gives ends it. */
  auditWrite(): (labels: { readonly result: 'ok' | 'error' }) => void
  /** Counts what is on record. */
  event(event: CountedEvent): void
  /** A round of housekeeping in this plugin server did so much. */
  housekeeping(done: HousekeepingDone): void
  /** A connection's end was heard of after so many seconds. */
  revocation(lag: number): void
  /** There are these identity providers: each has its series before anybody signs in. */
  providers(ids: readonly string[]): void
  readonly watch: WatchRuntime
}

/** Seconds: from a verdict at hand to a look-up in a slow database. */
const validation_buckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
]
/** Seconds that a durable insert takes. */
const write_buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15]
/** Seconds: from a notification that arrives at once to a listener that was cut off. */
const lag_buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  /** Admitted requests that the counter does not know yet: there are far more of them than scrapes. */
  let admitted = 0
  const requests = new Counter({
    name: 'mcp_oidc_requests_total',
    help: 'Requests by serve (resource, authorization), outcome (admitted, answered, refused, error) and, at the resource, reason of a refusal.',
    labelNames: ['serve', 'outcome', 'reason'],
    registers,
    collect() {
      this.inc({ serve: 'resource', outcome: 'admitted' }, admitted)
      admitted = 0
    },
  })
  /** Seconds that the histogram does not know yet: in groups, an observation costs half as much. */
  const validations = new Float64Array(256)
  let validated = 0
  const validation = new Histogram({
    name: 'mcp_oidc_validation_seconds',
    help: 'Time to a verdict about one request to the resource, without calls to Kong.',
    buckets: validation_buckets,
    registers,
    collect: observeValidations,
  })
  function observeValidations(): void {
    for (const seconds of validations.subarray(0, validated)) validation.observe(seconds)
    validated = 0
  }
  const writes = new Histogram({
    name: 'mcp_oidc_audit_write_seconds',
    help: 'Time until an audit event is on disk, or is known not to be.',
    labelNames: ['result'],
    buckets: write_buckets,
    registers,
  })
  const revocation_lag = new Histogram({
    name: 'mcp_oidc_revocation_lag_seconds',
    help: 'Time from the end of a connection in the database until this plugin server heard of it.',
    buckets: lag_buckets,
    registers,
  })
  const expired = counter(
    'mcp_oidc_expired_rows_total',
    'Rows that housekeeping removed, and connections that it ended because their time was over.',
    ['kind'],
  )
  const housekept = new Gauge({
    name: 'mcp_oidc_housekeeping_last_round_timestamp_seconds',
    help: 'When this plugin server last ended a round of housekeeping without a failure; 0 is never.',
    aggregator: 'max',
    registers,
  })
  const logins = counter(
    'mcp_oidc_logins_total',
    'Sign-ins at identity providers: ok, or why not.',
    ['idp', 'result'],
  )
  const tokens = counter(
    'mcp_oidc_tokens_total',
    'Answers of the token endpoint by grant (authorization_code, refresh_token): ok, or the error.',
    ['grant', 'result'],
  )
  const refreshes = counter(
    'mcp_oidc_refreshes_total',
    'Answers to refresh tokens by the identity provider of the connection (unknown without one): ok, or the error.',
    ['idp', 'result'],
  )
  const others = {
    registration: counter(
      'mcp_oidc_registrations_total',
      'Client registrations: ok, or the error.',
      ['result'],
    ),
    consent: counter('mcp_oidc_consents_total', 'Answers of the consent page.', ['result']),
    revocation: counter('mcp_oidc_revocations_total', 'Revocations: ok, or the error.', ['result']),
    logout: counter(
      'mcp_oidc_logouts_total',
      'People signed out in every browser by an identity provider.',
      ['result'],
    ),
  }
  // Series that are there from the start: the first rise of a failure is the one that matters.
  for (const outcome of ['admitted', 'error']) requests.inc({ serve: 'resource', outcome }, 0)
  for (const outcome of ['answered', 'refused', 'error'])
    requests.inc({ serve: 'authorization', outcome }, 0)
  for (const reason of refusal_reasons)
    requests.inc({ serve: 'resource', outcome: 'refused', reason }, 0)
  for (const result of ['ok', 'error']) writes.zero({ result })
  for (const grant of ['authorization_code', 'refresh_token'])
    for (const result of ['ok', 'invalid_grant']) tokens.inc({ grant, result }, 0)
  for (const kind of ['records', 'expired_connections', 'connections', 'approvals'])
    expired.inc({ kind }, 0)
  for (const other of Object.values(others)) other.inc({ result: 'ok' }, 0)
  return {
    registry,
    request(serve, outcome, reason) {
      if (serve === 'resource' && outcome === 'admitted') admitted += 1
      else requests.inc(reason === undefined ? { serve, outcome } : { serve, outcome, reason })
    },
    validation(milliseconds) {
      if (validated === validations.length) observeValidations()
      validations[validated] = milliseconds / 1000
      validated += 1
    },
    auditWrite: () => writes.startTimer(),
    event({ type, outcome, error_code, idp }) {
      const result = error_code ?? outcome
      switch (type) {
        case 'sign_in':
          return logins.inc({ idp: idp ?? 'unknown', result })
        case 'token':
          return tokens.inc({ grant: 'authorization_code', result })
        case 'refresh':
          refreshes.inc({ idp: idp ?? 'unknown', result })
          return tokens.inc({ grant: 'refresh_token', result })
        case 'registration':
        case 'consent':
        case 'revocation':
        case 'logout':
          return others[type].inc({ result })
        case 'export':
        case 'refusal':
        case 'tool_call':
        case 'rate_limit':
          return undefined
      }
    },
    housekeeping: done => {
      for (const [kind, rows] of Object.entries(done)) expired.inc({ kind }, rows as number)
      housekept.setToCurrentTime()
    },
    revocation: lag => revocation_lag.observe(lag),
    providers(ids) {
      for (const idp of ids) {
        for (const result of ['ok', 'idp_error', 'unreachable', 'rejected'])
          logins.inc({ idp, result }, 0)
        for (const result of ['ok', 'invalid_grant']) refreshes.inc({ idp, result }, 0)
      }
    },
    watch: createRuntimeGauges(registry),
  }
}

import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Logger } from 'pino'
import { recordAuditEventsOnce } from '../storage/audit.ts'
import type { Database } from '../storage/database.ts'
import type { RefusalTally } from '../storage/refusal-tally.ts'
import type { Trail } from './audit/recorder.ts'
import type { ProductDatabase } from './data/database.ts'
import { IdentityError } from './identity/identity-error.ts'
import { requireIdentity } from './identity/require-identity.ts'
import type { VerifyIdentity } from './identity/verify-identity.ts'
import { createTurns, type TurnLimits } from './fairness/turns.ts'
import { ingestKongLog } from './kong-log/ingest.ts'
import { allowOrigins } from './origin.ts'
import type { Metrics } from './metrics.ts'
import { createEndpoint } from './protocol/endpoint.ts'
import type { OpenRequests } from './streams/open-requests.ts'
import type { PermissionSource } from './permissions/permission-source.ts'
import type { Policy } from './permissions/policy.ts'
import { answers, type Check, readiness } from './readiness.ts'
import { logRequests } from './request-log.ts'
import { assignRequestId, requestIdOf } from './request-id.ts'
import type { Tracer } from './tracing/tracer.ts'
import { tools as all } from './tools/tools.ts'
import type { Tool } from './tools/tool.ts'

export interface AppOptions {
  readonly verify: VerifyIdentity
  readonly data: ProductDatabase
  /** Where audit events go. */
  readonly trail: Trail
  /** Counts refusals of nobody known. */
  readonly tally: Pick<RefusalTally, 'count'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** What Kong's http-log shows; without it, there is no such endpoint. */
  readonly log_ingest_token?: string | undefined
  /** Asked for readiness. */
  readonly audit: Database
  /** Whole origins, such as `https://gateway.example.com`. */
  readonly allowed_origins: readonly string[]
  readonly log: Logger
  /** Milliseconds; only differences of it are used. */
  readonly clock: () => number
  readonly metrics: Metrics
  readonly tracer: Tracer
  /** What must answer, beside the databases, before requests are sent here; by what it is called. */
  readonly checks?: Readonly<Record<string, Check>>
  /** Those under way, which end with their connection. */
  readonly requests: OpenRequests
  /** How many calls begin at the same time; a few for each organization unless told. */
  readonly turns?: TurnLimits
  /** What tools need, at the moment of asking. */
  readonly policy: () => Policy
  readonly permissions: PermissionSource
  /** The protected-resource metadata of the gateway (RFC 9728). */
  readonly resource_metadata: string
  /** Every tool of the server when left out. */
  readonly tools?: readonly Tool[]
}

/**
 * A burst of one organization waits for itself. Long calls make room, so an agent may have many. Whose
 * calls nobody else waits for gets as many as share a write of the audit trail well.
 */
const turn_limits: TurnLimits = {
  ...{ per_user: 2, per_org: 4, alone: { per_user: 8, per_org: 16 }, quiet: 1_000 },
  ...{ longest: 100, most_waiting: 2_000 },
}

export interface App {
  readonly app: Express
  /** Lets the calls that are running finish, and then ends open streams. */
  drain(): Promise<void>
}

/**
 * The MCP server as an Express app: `/mcp`, `/healthz`, `/readyz`, `/kong-log` where Kong has a token
 * for it, and nothing else.
 */
export function createApp(options: AppOptions): App {
  const { verify, data, audit, trail, log, clock, metrics, tools = all } = options
  metrics.tools(tools.map(({ name }) => name))
  const turns = createTurns(options.turns ?? turn_limits, clock)
  const { policy, permissions, resource_metadata } = options
  const endpoint = createEndpoint({
    ...{ tools, data, trail, log, clock, metrics, turns },
    ...{ policy, permissions, resource_metadata },
  })
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.use(assignRequestId())
  app.use(logRequests(log, clock, options.tracer))
  app.use(allowOrigins(options.allowed_origins, log))
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get(
    '/readyz',
    readiness(
      { 'audit database': answers(audit), 'product database': answers(data), ...options.checks },
      log,
    ),
  )
  const guard = requireIdentity(verify, (error, request) => {
    const refusal = { request_id: requestIdOf(request), ip: request.socket.remoteAddress }
    const code = error instanceof IdentityError ? error.code : 'internal_error'
    metrics.identityRefusal(code)
    const unknown = code === 'keys_unavailable' || code === 'internal_error'
    options.tally.count({
      ...{ type: 'refusal', outcome: unknown ? 'error' : 'refused', error_code: code },
      ...(refusal.ip === undefined ? {} : { ip: refusal.ip }),
    })
    if (error instanceof IdentityError && error.code !== 'keys_unavailable') {
      log.warn({ ...refusal, code: error.code, reason: error.message }, 'identity refused')
    } else {
      log.error({ ...refusal, err: error }, 'identity could not be verified')
    }
  })
  // Matches with and without a slash at the end, and answers both without a redirect.
  app.all('/mcp', guard, options.requests.watch, endpoint.handle)
  const { log_ingest_token: token } = options
  if (token !== undefined)
    app.post(
      '/kong-log',
      ...ingestKongLog({
        ...{ token, log, tally: options.tally, now: options.now },
        record: events => recordAuditEventsOnce(audit, events),
        counted: ({ limited_by }) => metrics.rateLimitRefusal(limited_by),
      }),
    )
  app.use((_request, response) => {
    response.status(404).json({ error: 'not_found' })
  })
  app.use(lastResort(log))
  return { app, drain: () => endpoint.drain() }
}

/** A bug of ours, or a path no URL has. Nothing of it leaves. */
function lastResort(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    log.error({ err: error, request_id: requestIdOf(request) }, 'request failed')
    if (response.headersSent) next(error)
    else response.status(500).json({ error: 'server_error' })
  }
}

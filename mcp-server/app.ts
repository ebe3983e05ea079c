import express, { type ErrorRequestHandler, type Express } from 'express'
import type { Logger } from 'pino'
import type { Database } from '../storage/database.ts'
import type { ProductDatabase } from './data/database.ts'
import { IdentityError } from './identity/identity-error.ts'
import { requireIdentity } from './identity/require-identity.ts'
import type { VerifyIdentity } from './identity/verify-identity.ts'
import { allowOrigins } from './origin.ts'
import { createEndpoint } from './protocol/endpoint.ts'
import { readiness } from './readiness.ts'
import { assignRequestId, requestIdOf } from './request-id.ts'
import { tools as all } from './tools/tools.ts'
import type { Tool } from './tools/tool.ts'

export interface AppOptions {
  readonly verify: VerifyIdentity
  readonly data: ProductDatabase
  /** Where audit events go. */
  readonly audit: Database
  /** Whole origins, such as `https://gateway.example.com`. */
  readonly allowed_origins: readonly string[]
  readonly log: Logger
  /** Milliseconds; only differences of it are used. */
  readonly clock: () => number
  /** Every tool of the server when left out. */
  readonly tools?: readonly Tool[]
}

export interface App {
  readonly app: Express
  /** Lets the calls that are running finish, and then ends open streams. */
  drain(): Promise<void>
}

/** The MCP server as an Express app: `/mcp`, `/healthz`, `/readyz`, and nothing else. */
export function createApp(options: AppOptions): App {
  const { verify, data, audit, log, clock, tools = all } = options
  const endpoint = createEndpoint({ tools, data, audit, log, clock })
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.use(assignRequestId())
  app.use(allowOrigins(options.allowed_origins, log))
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', readiness([audit, data], log))
  const guard = requireIdentity(verify, (error, request) => {
    const refusal = { request_id: requestIdOf(request), ip: request.socket.remoteAddress }
    if (error instanceof IdentityError && error.code !== 'keys_unavailable') {
      log.warn({ ...refusal, code: error.code, reason: error.message }, 'identity refused')
    } else {
      log.error({ ...refusal, err: error }, 'identity could not be verified')
    }
  })
  // Matches with and without a slash at the end, and answers both without a redirect.
  app.all('/mcp', guard, endpoint.handle)
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

import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import type { Logger } from 'pino'
import { answers, readiness } from '../mcp-server/readiness.ts'
import { assignRequestId, requestIdOf } from '../mcp-server/request-id.ts'
import type { Store } from '../storage/store.ts'
import { createAuditRouter } from './audit/router.ts'
import { createConnectionsRouter } from './connections/router.ts'
import type { Environment } from './environment.ts'
import type { Metrics } from './metrics.ts'
import { messages, showMessage } from './pages/messages.ts'
import { content_security_policy, createRender } from './pages/render.ts'
import { logRequests } from './request-log.ts'
import { createOrganizationRouter } from './organization/router.ts'
import { requireOwnForm } from './session/csrf.ts'
import { freshSession, signIn } from './session/sign-in.ts'
import { signOut } from './session/sign-out.ts'
import { requireViewer } from './session/require-viewer.ts'

export interface ConsoleParts {
  readonly settings: Environment
  readonly store: Store
  readonly log: Logger
  readonly metrics: Metrics
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The console as an Express app: `/console`, `/healthz`, `/readyz`, and nothing else. */
export function createApp(parts: ConsoleParts): Express {
  const { settings, store, log, metrics, now } = parts
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.use(assignRequestId())
  app.use(logRequests(log, metrics))
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/readyz', readiness({ database: answers(store.db) }, log))
  const render = createRender()
  const page = express.Router({ caseSensitive: true })
  page.use(pageHeaders)
  page.get('/signed-out', (_request, response) =>
    showMessage(render, response, 200, messages.signed_out),
  )
  page.use('/callback', freshSession(settings))
  const failed = (error: unknown) => log.error({ err: error }, 'a session could not be read')
  page.use(signIn({ settings, store, now, failed }))
  // From here on somebody is signed in, and every form is theirs.
  page.use(requireViewer({ settings, store, render, log, now }), ...requireOwnForm(render))
  page.post('/sign-out', signOut(settings))
  page.use(createConnectionsRouter({ store, render, settings, log }))
  page.use(createOrganizationRouter({ store, render, settings, log }))
  page.use('/audit', createAuditRouter({ store, render, log, now }))
  app.use('/console', page)
  app.use(pageHeaders, (_request, response) =>
    showMessage(render, response, 404, messages.not_found),
  )
  app.use(failure(render, log))
  return app
}

const pageHeaders: RequestHandler = (request, response, next) => {
  response.locals['request_id'] = requestIdOf(request)
  response.set({
    'content-security-policy': content_security_policy,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  })
  next()
}

/** Nothing of an error leaves: a person is told what they can do. */
function failure(render: ReturnType<typeof createRender>, log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const request_id = requestIdOf(request)
    const status = statusOf(error)
    if (status >= 500) log.error({ err: error, request_id }, 'request failed')
    else log.warn({ err: error, request_id, status }, 'request refused')
    if (status >= 500) return showMessage(render, response, status, messages.failed)
    if (request.path.endsWith('/callback'))
      return showMessage(render, response, status, messages.sign_in_failed)
    // An address that does not decode leads nowhere.
    if (request.method === 'GET') return showMessage(render, response, 404, messages.not_found)
    showMessage(render, response, status, messages.form_not_ours)
  }
}

/** What came from the browser is its fault only where the part that read it says so. */
function statusOf(error: unknown): number {
  const { status } = (error ?? {}) as { status?: unknown }
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}

import type { RequestHandler } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from './request-id.ts'

/**
 * Refuses requests of web pages that are not ours. An origin is compared whole, scheme, host and
 * port, with the configured ones and never with Host: after DNS rebinding a page's Host and Origin
 * agree with each other. No Origin, as from every client but a browser, passes.
 */
export function allowOrigins(allowed: readonly string[], log: Logger): RequestHandler {
  const origins = new Set(allowed)
  return (request, response, next) => {
    const { origin } = request.headers
    if (origin === undefined || origins.has(origin)) {
      next()
      return
    }
    log.warn({ request_id: requestIdOf(request), origin }, 'origin refused')
    response.status(403).json({
      jsonrpc: '2.0',
      error: { code: -32_000, message: 'Requests from this origin are not allowed.' },
      id: null,
    })
  }
}

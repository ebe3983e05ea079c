import type { RequestHandler } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from '../mcp-server/request-id.ts'
import type { Metrics } from './metrics.ts'

/**
 * One line in the log for each request when it is over: id, method, path, status and milliseconds.
 * Nothing of its headers, query or body. Probes are left out: they come all the time.
 */
export function logRequests(log: Logger, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const { method, path } = request
    if (path === '/healthz' || path === '/readyz') return next()
    const ended = metrics.request()
    response.once('close', () => {
      const { statusCode: status, writableFinished: complete } = response
      const duration_ms = Math.round(ended(status) * 1000)
      log.info(
        { request_id: requestIdOf(request), method, path, status, duration_ms, complete },
        'request',
      )
    })
    next()
  }
}

import type { Request, RequestHandler } from 'express'
import type { Logger } from 'pino'
import { requestIdOf } from './request-id.ts'
import { parseTraceparent } from './tracing/trace-context.ts'
import type { RequestTrace, Tracer } from './tracing/tracer.ts'

const traces = new WeakMap<Request, RequestTrace>()

/**
 * One line in the log and one span for each request, when it is over: id, method, path, status and
 * milliseconds. Nothing of its headers, query or body. Probes are left out: they come all the time.
 */
export function logRequests(log: Logger, clock: () => number, tracer: Tracer): RequestHandler {
  return (request, response, next) => {
    const { method, path } = request
    if (path === '/healthz' || path === '/readyz') return next()
    const began = clock()
    const request_id = requestIdOf(request)
    const trace = tracer.begin(
      `${spanMethod(method)} ${path === '/mcp' || path === '/mcp/' ? '/mcp' : 'elsewhere'}`,
      parseTraceparent(request.get('traceparent')),
      {
        'http.request.method': spanMethod(method),
        'url.path': path,
        'gateway.request_id': request_id,
      },
    )
    traces.set(request, trace)
    response.once('close', () => {
      const { statusCode: status, writableFinished } = response
      const duration_ms = Math.round((clock() - began) * 10) / 10
      const { trace_id } = trace
      trace.end(status)
      log.info(
        { request_id, method, path, status, duration_ms, trace_id, complete: writableFinished },
        'request',
      )
    })
    next()
  }
}

/** The trace that `logRequests` began. Throws when it was not in front of this handler. */
export function traceOf(request: Request): RequestTrace {
  const trace = traces.get(request)
  if (trace === undefined) throw new Error('logRequests is not in front of this handler')
  return trace
}

/** Span names are few, whatever a client calls its method. */
function spanMethod(method: string): string {
  return /^(?:GET|POST|DELETE|OPTIONS|HEAD|PUT|PATCH)$/.test(method) ? method : '_OTHER'
}

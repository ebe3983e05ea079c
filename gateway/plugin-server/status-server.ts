import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Logger } from 'pino'

import { describeError } from './describe-error.ts'

export interface StatusServerOptions {
  readonly host: string
  /** 0 takes a free one, which the log names. */
  readonly port: number
  readonly log: Logger
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  /** Why requests should not be sent here; empty when they should. */
  readonly problems: () => Promise<readonly string[]>
  /** How long to wait before a port that could not be had is tried again, in milliseconds. */
  readonly retry_ms?: number
}

export interface StatusServer {
  /** Resolves with the port as soon as it is listened on; never, when it cannot be had. */
  readonly listening: Promise<number>
  close(): Promise<void>
}

/**
 * `/metrics`, `/healthz` and `/readyz`. Requests of Kong's do not depend on it: a port that cannot
 * be had is one line in the log, and is tried again for as long as the plugin server runs (another
 * one that is just ending may still hold it).
 */
export function startStatusServer(options: StatusServerOptions): StatusServer {
  const { host, port, log, retry_ms = 5_000 } = options
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  let retry: NodeJS.Timeout | undefined
  let said = false
  const server = createServer((request, response) => void answer(request, response, options))
  const listen = () => server.listen({ host, port, exclusive: true })
  server.on('listening', () => {
    const taken = (server.address() as AddressInfo).port
    log.info({ host, port: taken }, 'metrics are served')
    resolve(taken)
  })
  server.on('error', err => {
    const detail = { error: describeError(err), host, port }
    if (!said) log.error(detail, 'metrics cannot be served; requests are, and this is tried again')
    said = true
    retry = setTimeout(listen, retry_ms).unref()
  })
  listen()
  return {
    listening,
    async close() {
      clearTimeout(retry)
      if (!server.listening) return
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, problems, log }: StatusServerOptions,
): Promise<void> {
  const send = (status: number, body: string, type = 'application/json') => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  try {
    switch (read(request)) {
      case '/metrics':
        return send(200, await metrics(), 'text/plain; version=0.0.4; charset=utf-8')
      case '/healthz':
        return send(200, '{"status":"ok"}')
      case '/readyz': {
        const reasons = await problems()
        if (reasons.length === 0) return send(200, '{"status":"ready"}')
        return send(503, JSON.stringify({ status: 'unavailable', reasons }))
      }
      default:
        return send(404, '{"error":"not_found"}')
    }
  } catch (err) {
    log.error({ error: describeError(err), path: request.url }, 'a status request failed')
    send(500, '{"error":"server_error"}')
  }
}

/** The path; empty for a request that does not only read. */
function read({ method, url = '' }: IncomingMessage): string {
  return method === 'GET' || method === 'HEAD' ? url : ''
}

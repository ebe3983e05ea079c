import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'

export interface MetricsServerOptions {
  readonly host: string
  /** 0 takes a free one, which the log names. */
  readonly port: number
  readonly log: Logger
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  /** Milliseconds before a port that could not be had is tried again. */
  readonly retry?: number
}

export interface MetricsServer {
  /** Resolves with the port as soon as it is listened on; never, when it cannot be had. */
  readonly listening: Promise<number>
  close(): Promise<void>
}

/**
 * `/metrics` on a port of its own, which a proxy in front of `/mcp` does not publish. Nothing depends
 * on it: a port that cannot be had is one line in the log, and is tried again.
 */
export function startMetricsServer(options: MetricsServerOptions): MetricsServer {
  const { host, port, log, metrics, retry = 5_000 } = options
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  const server = createServer((request, response) => {
    request.resume()
    if (request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    metrics().then(
      text =>
        response
          .writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
          .end(text),
      (error: unknown) => {
        log.error({ err: error }, 'the metrics could not be read')
        response.writeHead(500).end()
      },
    )
  })
  let timer: NodeJS.Timeout | undefined
  let said = false
  const listen = () => server.listen({ host, port, exclusive: true })
  server.on('listening', () => {
    const { port } = server.address() as AddressInfo
    log.info({ host, port }, 'metrics are served')
    resolve(port)
  })
  server.on('error', error => {
    if (!said)
      log.error(
        { err: error, host, port },
        'metrics cannot be served; requests are, and this is tried again',
      )
    said = true
    timer = setTimeout(listen, retry).unref()
  })
  listen()
  return {
    listening,
    async close() {
      clearTimeout(timer)
      if (!server.listening) return
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

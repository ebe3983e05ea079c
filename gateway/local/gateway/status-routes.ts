import type { RequestListener, ServerResponse } from 'node:http'
import type { KongMetrics } from './kong-metrics.ts'
import type { ServerStatistics } from './server-statistics.ts'

/** What the status listener tells, as Kong's does. */
export interface Status {
  readonly metrics: KongMetrics
  readonly statistics: () => ServerStatistics
  /** Why no requests are taken; `undefined` when they are. */
  readonly notReady: () => string | undefined
  /** Digest of the configuration in force. */
  readonly configuration_hash: () => string
}

/** Answers `/metrics`, `/status` and `/status/ready`. */
export function statusRoutes(status: Status): RequestListener {
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    if (path === '/metrics') {
      const { text, type } = await status.metrics.expose(status.statistics())
      response.writeHead(200, { 'Content-Type': type }).end(text)
    } else if (path === '/status') {
      sendJson(response, 200, {
        server: status.statistics(),
        memory: process.memoryUsage(),
        configuration_hash: status.configuration_hash(),
      })
    } else if (path === '/status/ready') {
      const message = status.notReady()
      sendJson(response, message === undefined ? 200 : 503, { message: message ?? 'ready' })
    } else {
      sendJson(response, 404, { message: 'Not found' })
    }
  }
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    if (request.method !== 'GET') {
      sendJson(response, 405, { message: 'Method not allowed' })
      return
    }
    answer(path, response).catch((error: unknown) => response.destroy(error as Error))
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StreamingUpstream {
  readonly port: number
  /** Requests so far. */
  readonly arrived: number
  /** The answer to the next request that asks for a stream: nobody else writes to it. */
  nextStream(): Promise<ServerResponse>
  close(): void
}

/** Stands in for the MCP server: `X-Stream` asks for a stream of events, all else is `{}`. */
export async function openStreamingUpstream(): Promise<StreamingUpstream> {
  let arrived = 0
  let waiting = Promise.withResolvers<ServerResponse>()
  const server = createServer((request, response) => {
    arrived += 1
    if (!('x-stream' in request.headers)) {
      response.end('{}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    waiting.resolve(response)
    waiting = Promise.withResolvers()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get arrived() {
      return arrived
    },
    nextStream: () => waiting.promise,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

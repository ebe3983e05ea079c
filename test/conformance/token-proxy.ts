import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TokenProxy {
  readonly url: string
  close(): Promise<void>
}

/** Passes requests on as they come, with the token that the suite's own client cannot get. */
export async function openTokenProxy(target: string, access_token: string): Promise<TokenProxy> {
  const { hostname, port } = new URL(target)
  const server = createServer((incoming, response) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${access_token}` }
    const outgoing = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders()
        answer.pipe(response)
      },
    )
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

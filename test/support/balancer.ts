import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands before several gateways, as a load balancer does, and decides for each request anew. */
export interface Balancer {
  readonly url: string
  /** Sends everything to these from now on, in turn. */
  use(ports: readonly number[]): void
  close(): Promise<void>
}

export async function openBalancer(): Promise<Balancer> {
  let ports: readonly number[] = []
  let turn = 0
  const server = createServer((req, res) => {
    const port = ports[turn++ % ports.length]
    if (port === undefined) return void res.writeHead(503).end('no gateway')
    pass(req, res, port)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    use(chosen) {
      ports = chosen
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function pass(req: IncomingMessage, res: ServerResponse, port: number): void {
  const { method, url, headers } = req
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, answer => {
    res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(res)
    answer.on('error', () => res.destroy())
  })
  onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()))
  res.on('close', () => onward.destroy())
  req.pipe(onward)
}

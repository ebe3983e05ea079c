import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { KeyPair } from './key-pair.ts'

/** A port that is listened on. */
export interface Listener {
  readonly port: number
  /** For new connections; undefined without TLS. */
  readonly setKeyPair: ((pair: KeyPair) => void) | undefined
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

/** nginx's default, milliseconds. */
const KEEP_ALIVE = { keepAliveTimeout: 60_000 }

/** A server for requests, with TLS 1.2 or later when it is given a certificate. Not listening yet. */
export function createProxyServer(listener: RequestListener, pair?: KeyPair): Server {
  const server = pair
    ? createTlsServer({ ...KEEP_ALIVE, ...pair, minVersion: 'TLSv1.2' }, listener)
    : createServer(KEEP_ALIVE, listener)
  // Node would leave out the headers beyond a thousand without a word.
  server.maxHeadersCount = 0
  return server
}

/** Listens; rejects with EADDRINUSE when the port is taken. Port 0 is a free one. */
export async function listen(server: Server, host: string, port: number): Promise<Listener> {
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    setKeyPair:
      'setSecureContext' in server
        ? pair =>
            (server as ReturnType<typeof createTlsServer>).setSecureContext({
              ...pair,
              minVersion: 'TLSv1.2',
            })
        : undefined,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

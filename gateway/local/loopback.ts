import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  readonly port: number
  /** Ends open connections too; resolves when the port is free again. */
  close(): Promise<void>
}

/**
 * Listens on this computer alone, on 127.0.0.1 and, where there is one, on ::1: `localhost` may
 * mean either; or at `host` alone. Port 0 is a free one. Rejects with EADDRINUSE when an address is taken.
 */
export async function listenOnLoopback(
  listener: RequestListener,
  port: number,
  host?: string,
): Promise<Listening> {
  if (host !== undefined) {
    const only = await listen(listener, host, port)
    return { port: (only.address() as AddressInfo).port, close: () => closeAll([only]) }
  }
  const ipv4 = await listen(listener, '127.0.0.1', port)
  const chosen = (ipv4.address() as AddressInfo).port
  try {
    const ipv6 = await listen(listener, '::1', chosen)
    return { port: chosen, close: () => closeAll([ipv4, ipv6]) }
  } catch (error) {
    if (!withoutIpv6(error)) {
      await closeAll([ipv4])
      throw error
    }
    return { port: chosen, close: () => closeAll([ipv4]) }
  }
}

function listen(listener: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(listener)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      server =>
        new Promise<void>((resolve, reject) => {
          server.close(error => (error ? reject(error) : resolve()))
          server.closeAllConnections()
        }),
    ),
  )
}

function withoutIpv6(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL'
}

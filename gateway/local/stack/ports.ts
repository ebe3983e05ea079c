import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface WantedPort {
  readonly port: number
  /** What it is for, in words. */
  readonly what: string
  /** What to do when it is taken. */
  readonly remedy: string
}

/** One sentence for each port that another program has; empty when all are free. */
export async function takenPorts(wanted: readonly WantedPort[]): Promise<readonly string[]> {
  const verdicts = await Promise.all(
    wanted.map(async ({ port, what, remedy }) => {
      // On either address: `localhost` may mean both.
      const free = (await isFree('127.0.0.1', port)) && (await isFree('::1', port))
      return free ? [] : [`Port ${port}, for ${what}, is taken by another program. ${remedy}`]
    }),
  )
  return verdicts.flat()
}

/** As many different free ports. Another program may take one before it is used. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer()
      return new Promise<typeof server>((resolve, reject) => {
        server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server))
      })
    }),
  )
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      // A computer without IPv6 has nobody listening there.
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(true)
      else if (error.code === 'EADDRINUSE') resolve(false)
      else reject(new Error(`port ${port} cannot be used: ${error.message}`, { cause: error }))
    })
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

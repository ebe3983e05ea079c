import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

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
      const free = await isFreeOnBoth(port)
      return free ? [] : [`Port ${port}, for ${what}, is taken by another program. ${remedy}`]
    }),
  )
  return verdicts.flat()
}

/**
 * Below the ports that systems give to connections that go out: one of those would take the port of a
 * server that is about to start, or is dead for a while. Each process looks in a part of its own, since
 * another one may be about to start something too.
 */
const [first, of_each, parts] = [20_000, 128, 99]
const part = first + (process.pid % parts) * of_each
let looked_at = randomInt(of_each)

/** As many different free ports. Another program may take one before it is used. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > of_each) throw new Error(`there are not ${count} free ports from ${part} on`)
    const port = part + (looked_at % of_each)
    looked_at += 1
    if (await isFreeOnBoth(port)) ports.push(port)
  }
  return ports
}

/** On either address: `localhost` may mean both. */
async function isFreeOnBoth(port: number): Promise<boolean> {
  return (await isFree('127.0.0.1', port)) && (await isFree('::1', port))
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

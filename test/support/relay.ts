import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** A TCP port that stands before another one on loopback, and can be cut off. */
export interface Relay {
  readonly port: number
  /** HTTP requests taken so far, of which each begins when the one before it on its connection is over. */
  readonly requests: number
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>
  /** Takes connections again, on the same port. */
  restore(): Promise<void>
}

export async function openRelay(target: number): Promise<Relay> {
  const open = new Set<Socket>()
  let requests = 0
  const server = createServer(near => {
    near.on('data', (chunk: Buffer) => {
      if (/^[A-Z]+ \//.test(chunk.toString('latin1', 0, 20))) requests += 1
    })
    const far = createConnection({ port: target, host: '127.0.0.1' })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.pipe(other)
      // What breaks on one side is broken off on the other: that is all a relay can do about it.
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  const listen = async (wanted: number) => {
    server.listen(wanted, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    get requests() {
      return requests
    },
    async cut() {
      if (!server.listening) return
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
    restore: () => listen(port),
  }
}

import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/** A TCP port on loopback before another one, on which the network can be made to fail. */
export interface FaultyRelay {
  readonly port: number
  /** Holds back all that passes by so many milliseconds; 0 lets it pass at once again. */
  delay(milliseconds: number): void
  /** Holds everything back, without a word, until it is let go on. */
  hold(held: boolean): void
  /** Resets every connection, and refuses new ones until it is restored. */
  reset(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

export async function openFaultyRelay(target: number): Promise<FaultyRelay> {
  const open = new Set<Socket>()
  let milliseconds = 0
  let gate: Promise<undefined> = Promise.resolve(undefined)
  let release = (): void => undefined

  const toll = () =>
    new Transform({
      transform(chunk, _encoding, done) {
        const pass = () => void gate.then(() => done(null, chunk))
        if (milliseconds > 0) setTimeout(pass, milliseconds)
        else pass()
      },
    })
  const join = (from: Socket, to: Socket) => {
    open.add(from)
    from.pipe(toll()).pipe(to)
    // What breaks on one side is broken off on the other.
    from.on('error', () => to.destroy())
    from.on('close', () => {
      open.delete(from)
      to.destroy()
    })
  }
  const server = createServer(near => {
    const far = createConnection({ port: target, host: '127.0.0.1' })
    join(near, far)
    join(far, near)
  })
  const listen = async (wanted: number) => {
    server.listen(wanted, '127.0.0.1')
    await once(server, 'listening')
  }
  const hold = (held: boolean) => {
    release()
    if (!held) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    gate = promise
    release = () => resolve(undefined)
  }
  const reset = async () => {
    if (!server.listening) return
    server.close()
    for (const socket of open) socket.resetAndDestroy()
    await once(server, 'close')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    delay: wanted => void (milliseconds = wanted),
    hold,
    reset,
    restore: () => listen(port),
    close: async () => {
      hold(false)
      await reset()
    },
  }
}

import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** Stands before PostgreSQL and can fall silent without breaking a connection. */
export interface DeafRelay {
  readonly port: number
  /**
   * Passes nothing on in either direction from now on; new connections get no answer. `whose` says of
   * what a client said first, its `application_name` among it, whether it is one of those.
   */
  freeze(whose?: (startup: string) => boolean): void
  thaw(): void
  close(): Promise<void>
}

/**
 * `without` is the type of a message of the server that never gets through: `A`, a notification
 * (PostgreSQL's protocol, 54.7), as behind a pooler in transaction mode.
 */
export async function openDeafRelay(
  target: { readonly host: string; readonly port: number },
  without?: string,
): Promise<DeafRelay> {
  const open = new Map<Socket, { startup: string }>()
  let isFrozen: ((startup: string) => boolean) | undefined
  const server = createServer(near => {
    const far = createConnection(target)
    const drop = dropMessages(without)
    const client = { startup: '' }
    for (const socket of [near, far]) {
      open.set(socket, client)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', chunk => {
      client.startup ||= chunk.toString('latin1')
      if (isFrozen?.(client.startup)) {
        near.pause()
        near.unshift(chunk)
      } else far.write(chunk)
    })
    far.on('data', chunk => near.write(drop(chunk)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze(whose = () => true) {
      isFrozen = whose
      for (const [socket, { startup }] of open) if (whose(startup)) socket.pause()
    },
    thaw() {
      isFrozen = undefined
      for (const socket of open.keys()) socket.resume()
    },
    async close() {
      server.close()
      for (const socket of open.keys()) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** A message is its type (1 byte), its length without the type (4 bytes), and its contents. */
function dropMessages(type: string | undefined): (chunk: Buffer) => Buffer {
  let rest = Buffer.alloc(0)
  return chunk => {
    if (type === undefined) return chunk
    rest = Buffer.concat([rest, chunk])
    const kept: Buffer[] = []
    for (;;) {
      if (rest.length < 5) break
      const length = 1 + rest.readUInt32BE(1)
      if (rest.length < length) break
      if (String.fromCharCode(rest[0] ?? 0) !== type) kept.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    return Buffer.concat(kept)
  }
}

import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

/** Stands before PostgreSQL and can fall silent without breaking a connection. */
export interface DeafRelay {
  readonly port: number
  /** Passes nothing on in either direction from now on, and takes no new connection. */
  freeze(): void
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
  const open = new Set<Socket>()
  let frozen = false
  const server = createServer(near => {
    const far = createConnection(target)
    const drop = dropMessages(without)
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
      if (frozen) socket.pause()
    }
    near.on('data', chunk => far.write(chunk))
    far.on('data', chunk => near.write(drop(chunk)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true
      for (const socket of open) socket.pause()
    },
    thaw() {
      frozen = false
      for (const socket of open) socket.resume()
    },
    async close() {
      server.close()
      for (const socket of open) socket.destroy()
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

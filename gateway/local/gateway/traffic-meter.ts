import type { Socket } from 'node:net'
import type { Traffic } from './serialize.ts'

/**
 * Bytes of the exchanges on a connection, one after the other: what went over it since the exchange
 * before was over. The headers of a request are there before anybody hears of it.
 */
export function createTrafficMeter(): (socket: Socket) => Traffic {
  const before = new WeakMap<Socket, Traffic>()
  return socket => {
    const total = { received: socket.bytesRead, sent: socket.bytesWritten }
    const { received, sent } = before.get(socket) ?? { received: 0, sent: 0 }
    before.set(socket, total)
    return { received: total.received - received, sent: total.sent - sent }
  }
}

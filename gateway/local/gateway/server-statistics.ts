import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

/** nginx's stub status, by Kong's names. */
export interface ServerStatistics {
  readonly connections_accepted: number
  readonly connections_handled: number
  readonly connections_active: number
  readonly connections_reading: number
  readonly connections_writing: number
  readonly connections_waiting: number
  readonly total_requests: number
}

/** Counts connections and requests of the servers that are given to `watch`. */
export function createServerStatistics() {
  let accepted = 0
  let active = 0
  let total = 0
  let writing = 0
  return {
    watch(server: HttpServer | HttpsServer): void {
      server.on('connection', (socket: Socket) => {
        accepted += 1
        active += 1
        socket.once('close', () => (active -= 1))
      })
      server.on('request', (_request, response) => {
        total += 1
        writing += 1
        response.once('close', () => (writing -= 1))
      })
    },
    read: (): ServerStatistics => ({
      connections_accepted: accepted,
      connections_handled: accepted,
      connections_active: active,
      connections_reading: 0,
      connections_writing: writing,
      connections_waiting: Math.max(0, active - writing),
      total_requests: total,
    }),
  }
}

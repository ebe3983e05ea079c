import type { Duplex } from 'node:stream'

import { serveConnection } from './serve-connection.ts'
import type { ConnectionOptions, ServedConnection } from './serve-connection.ts'

/** The connections of Kong that this process serves. */
export interface Connections {
  serve(stream: Duplex): void
  size(): number
  /** True from the moment they end. */
  ending(): boolean
  /** Closes those that are idle, lets running events finish, and closes the instances. */
  end(): Promise<void>
  /** Closes whatever is left. */
  destroy(): void
}

export function createConnections(options: Omit<ConnectionOptions, 'ending'>): Connections {
  const { instances } = options
  const connections = new Set<ServedConnection>()
  let has_ended = false
  const ending = () => has_ended
  return {
    serve(stream) {
      const connection = serveConnection(stream, { ...options, ending })
      connections.add(connection)
      stream.once('close', () => connections.delete(connection))
    },
    size: () => connections.size,
    ending,
    async end() {
      has_ended = true
      for (const connection of connections) if (!connection.busy()) connection.frames.destroy()
      await instances.closeAll()
      for (const connection of connections) connection.frames.end()
    },
    destroy() {
      for (const connection of connections) connection.frames.destroy()
    },
  }
}

import { once } from 'node:events'
import type { Server } from 'node:http'

/**
 * Lets a server finish: it takes no more connections, and one with an answer under way is closed soon
 * after it. What is not answered after `limit` milliseconds is cut. `drain` ends what would not end
 * by itself.
 */
export async function stopServer(
  server: Server,
  limit: number,
  drain?: () => Promise<void>,
): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  // Looked at when an answer is out; a connection would be kept as long as ever otherwise.
  server.keepAliveTimeout = 1
  const cut = setTimeout(() => server.closeAllConnections(), limit)
  try {
    await drain?.()
    server.closeIdleConnections()
    await closed
  } finally {
    clearTimeout(cut)
  }
}

import { LRUCache } from 'lru-cache'
import type { Connection } from '../../../storage/connections.ts'

const most_connections = 20_000

/**
 * The state of connections, at most `grace` seconds old: a revocation is felt everywhere within
 * that time, and a database outage is bridged for that time and no longer. Simultaneous look-ups
 * of one connection are one query; a failed look-up is not remembered.
 */
export function cacheConnections(
  find: (id: string) => Promise<Connection | undefined>,
  grace: number,
): {
  get(id: string): Promise<Connection | undefined>
  forget(id: string): void
  size(): number
} {
  const cache = new LRUCache<string, { readonly connection: Connection | undefined }>({
    max: most_connections,
    ttl: grace * 1000,
    fetchMethod: async id => ({ connection: await find(id) }),
  })
  return {
    get: async id => (await cache.fetch(id))?.connection,
    forget: id => void cache.delete(id),
    size: () => cache.size,
  }
}

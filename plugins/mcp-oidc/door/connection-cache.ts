import { LRUCache } from 'lru-cache'
import type { Connection } from '../../../storage/connections.ts'

const most_connections = 20_000
/** An entry is looked up again after this, also when nothing was heard of it; milliseconds. */
const most_age = 60_000
/** The listener is as good as connected when it was confirmed so recently; milliseconds. */
const healthy_for = 2_500
/** A look-up that keeps being overtaken by notifications is given up. */
const most_attempts = 3

export interface ConnectionCacheParts {
  readonly find: (id: string) => Promise<Connection | undefined>
  /** Until when all that happened to connections has been heard; undefined before the first time. */
  readonly confirmedAt: () => number | undefined
  /** For how long state is trusted that nobody confirms, seconds. */
  readonly grace: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A connection's state; undefined when there is none. */
type Known = Connection | undefined

/** The state of connections. */
export interface ConnectionCache {
  /** At once when it is known; otherwise it is looked up, and rejects when that cannot be done. */
  get(id: string): Known | Promise<Known>
  /** It has changed: what is known of it, or is being looked up, does not count. */
  forget(id: string): void
  /** The same for all of them. */
  forgetAll(): void
  size(): number
}

interface Entry {
  readonly connection: Connection | undefined
  /** When it was asked for, milliseconds. */
  readonly at: number
}

interface LookUp {
  answer?: Promise<Entry>
  /** That came since it began. */
  notifications: number
}

/**
 * Design decision 7. While the listener is confirmed, an entry is good until a notification about it
 * comes, for a minute at the most. While it is not, an entry is good for `grace` after it was filled
 * or last confirmed, whichever is later: so long a revocation may go unnoticed, and so long an outage
 * of the database is bridged. Simultaneous look-ups of one connection are one query; a failed one is
 * not remembered, and one that a notification overtook is made again.
 */
export function cacheConnections(parts: ConnectionCacheParts): ConnectionCache {
  const { find, confirmedAt, now } = parts
  const grace = parts.grace * 1000
  const entries = new LRUCache<string, Entry>({ max: most_connections })
  const looking = new Map<string, LookUp>()

  function isTolerable({ at }: Entry): boolean {
    return now() - Math.max(at, confirmedAt() ?? 0) <= grace
  }

  function isFresh(entry: Entry): boolean {
    const healthy = now() - (confirmedAt() ?? 0) <= healthy_for
    return healthy ? now() - entry.at <= most_age : isTolerable(entry)
  }

  /** Until no notification comes while it is looked up. */
  async function lookUpAgain(id: string, look_up: LookUp): Promise<Entry> {
    for (let attempt = 0; attempt < most_attempts; attempt += 1) {
      const { notifications } = look_up
      const entry = { at: now(), connection: await find(id) }
      if (look_up.notifications !== notifications) continue
      entries.set(id, entry)
      return entry
    }
    throw new Error('a connection changed each time it was looked up')
  }

  function lookUp(id: string): Promise<Entry> {
    const look_up = looking.get(id) ?? { notifications: 0 }
    looking.set(id, look_up)
    look_up.answer ??= lookUpAgain(id, look_up).finally(() => looking.delete(id))
    return look_up.answer
  }

  async function findOut(id: string): Promise<Known> {
    const asked_at = now()
    try {
      for (;;) {
        const found = await lookUp(id)
        // One that was under way already may be older than is good for this question.
        if (isTolerable(found) || asked_at - found.at <= grace) return found.connection
      }
    } catch (error) {
      // Unless it was forgotten meanwhile.
      const known = entries.get(id)
      if (known && isTolerable(known)) return known.connection
      throw error
    }
  }

  return {
    get(id) {
      const entry = entries.get(id)
      return entry && isFresh(entry) ? entry.connection : findOut(id)
    },
    forget(id) {
      entries.delete(id)
      const under_way = looking.get(id)
      if (under_way) under_way.notifications += 1
    },
    forgetAll() {
      entries.clear()
      for (const under_way of looking.values()) under_way.notifications += 1
    },
    size: () => entries.size,
  }
}

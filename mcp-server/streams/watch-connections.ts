import type { Logger } from 'pino'
import { findOverConnections } from '../../storage/connections.ts'
import type { Database } from '../../storage/database.ts'
import { type ConnectionListener, listenForConnections } from '../../storage/listener.ts'
import type { OpenRequests } from './open-requests.ts'

export interface WatchOptions {
  readonly database_url: string
  readonly db: Database
  readonly requests: OpenRequests
  readonly log: Logger
  /** Milliseconds; only differences of it are used. */
  readonly clock: () => number
  /** Milliseconds between two looks at the connections of open requests; half a minute unless told. */
  readonly interval?: number
}

const half_a_minute = 30_000

/**
 * Ends the requests of connections that end: as soon as PostgreSQL tells, and by looking, which
 * finds those past their end and those that ended while nobody listened. A connection that the
 * database does not know is another gateway's, and none of our business.
 */
export function watchConnections(options: WatchOptions): ConnectionListener {
  const { database_url, db, requests, log, clock, interval = half_a_minute } = options
  const look = async () => {
    try {
      for (const id of await findOverConnections(db, requests.connections())) requests.end(id)
    } catch (error) {
      log.warn({ err: error }, 'the connections of open requests could not be looked at')
    }
  }
  const listener = listenForConnections({
    url: database_url,
    application_name: 'mcp-server',
    now: clock,
    on_ended: id => requests.end(id),
    on_changed: () => undefined,
    on_gap: () => void look(),
    on_lost: error => log.warn({ err: error }, 'ended connections cannot be heard of for now'),
  })
  const timer = setInterval(() => void look(), interval)
  timer.unref()
  return {
    ...listener,
    close() {
      clearInterval(timer)
      return listener.close()
    },
  }
}

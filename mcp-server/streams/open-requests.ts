import type { RequestHandler, Response } from 'express'
import { LRUCache } from 'lru-cache'
import { identityOf } from '../identity/require-identity.ts'

/** An assertion is good for 60 seconds at the most: who ended before that cannot come back. */
const remembered_for = 120_000
const most_remembered = 50_000

/** The requests under way, by the connection they were admitted with. */
export interface OpenRequests {
  /** Stands behind `requireIdentity`. */
  readonly watch: RequestHandler
  /** Breaks off everything of a connection that has ended, and refuses what still comes of it. */
  end(connection_id: string): void
  /** The connections that have a request under way. */
  connections(): readonly string[]
}

/**
 * A gateway decides when a request begins; a stream goes on. What is under way is broken off here as
 * if the client had gone: what a running tool does is on record as always, and nobody gets it.
 * `report` hears of every connection that had something under way.
 */
export function createOpenRequests(report: (connection_id: string) => void): OpenRequests {
  const open = new Map<string, Set<Response>>()
  const ended = new LRUCache<string, true>({ max: most_remembered, ttl: remembered_for })

  return {
    watch(request, response, next) {
      const { connection_id } = identityOf(request)
      if (ended.has(connection_id)) {
        response
          .status(401)
          .set('www-authenticate', 'Bearer error="invalid_token"')
          .set('cache-control', 'no-store')
          .json({ error: 'invalid_token', error_description: 'The connection has ended.' })
        return
      }
      const responses = open.get(connection_id) ?? new Set()
      open.set(connection_id, responses)
      responses.add(response)
      response.once('close', () => {
        responses.delete(response)
        if (responses.size === 0 && open.get(connection_id) === responses)
          open.delete(connection_id)
      })
      next()
    },
    end(connection_id) {
      ended.set(connection_id, true)
      const responses = open.get(connection_id)
      if (!responses) return
      report(connection_id)
      for (const response of [...responses]) response.destroy()
    },
    connections: () => [...open.keys()],
  }
}

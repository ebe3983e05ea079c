import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type RequestHandler } from 'express'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { ZodError } from 'zod'
import type { RateLimitEvent } from '../../storage/audit-event.ts'
import type { RefusalTally } from '../../storage/refusal-tally.ts'
import { requestIdOf } from '../request-id.ts'
import { rateLimitEvent, readMessages } from './read-message.ts'

export interface LogIngestParts {
  /** What Kong sends as `X-Log-Ingest-Token`. */
  readonly token: string
  /** Puts events on record that may have been told before. */
  readonly record: (events: readonly RateLimitEvent[]) => Promise<unknown>
  /** For refusals of nobody known. */
  readonly tally: Pick<RefusalTally, 'count'>
  readonly counted: (event: RateLimitEvent) => void
  readonly log: Logger
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A batch of a hundred messages, each with a hundred headers, is below it. */
const most_bytes = '4mb'
/** Milliseconds: Kong tries for a minute to send a message again. */
const oldest = 3_600_000
const ahead = 60_000
/** Request ids of refusals that were counted: Kong may send a batch again. */
const most_remembered = 20_000

/**
 * POST of Kong's `http-log`: its answers of 429 are no plugin's to see, and enter the audit trail
 * here. Answers 204 when they are on disk or counted; else Kong sends them again, and what was taken
 * then is not taken twice. Everything else in the log is left alone.
 */
export function ingestKongLog(parts: LogIngestParts): readonly RequestHandler[] {
  const { log, now, tally } = parts
  const seen = new LRUCache<string, true>({ max: most_remembered })
  const isNew = ({ request_id, at }: RateLimitEvent) => {
    const key = `${request_id ?? ''} ${at?.getTime() ?? ''}`
    if (seen.has(key)) return false
    seen.set(key, true)
    return true
  }

  const admit: RequestHandler = (request, response, next) => {
    if (isToken(request.headers['x-log-ingest-token'], parts.token)) return next()
    log.warn(
      { request_id: requestIdOf(request), ip: request.socket.remoteAddress },
      'log messages without the token were refused',
    )
    response.status(401).json({ error: 'unauthorized' })
  }
  const read = express.json({ limit: most_bytes, type: 'application/json', strict: true })
  const unreadable: express.ErrorRequestHandler = (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const status = statusOf(error)
    log.warn({ request_id: requestIdOf(request), status }, 'log messages cannot be read')
    response.status(status).json({ error: 'invalid_request' })
  }
  const take: RequestHandler = async (request, response) => {
    const events = eventsOf(request.body)
    if (events === undefined) {
      log.warn({ request_id: requestIdOf(request) }, 'these are no log messages of Kong')
      response.status(400).json({ error: 'invalid_request' })
      return
    }
    const current = events.filter(({ at }) => {
      const age = now() - (at?.getTime() ?? NaN)
      return age <= oldest && age >= -ahead
    })
    if (current.length < events.length)
      log.warn({ events: events.length - current.length }, 'refusals of another time are left out')
    const known = current.filter(({ user_id }) => user_id !== undefined)
    try {
      if (known.length > 0) await parts.record(known)
    } catch (error) {
      log.error({ err: error, events: known.length }, 'refusals of Kong could not be recorded')
      response.status(503).set('retry-after', '5').json({ error: 'temporarily_unavailable' })
      return
    }
    for (const event of current) {
      if (!isNew(event)) continue
      parts.counted(event)
      if (event.user_id === undefined) tally.count(event)
      else log.info({ event }, 'audit')
    }
    response.status(204).end()
  }
  return [admit, read, unreadable as unknown as RequestHandler, take]
}

function eventsOf(body: unknown): readonly RateLimitEvent[] | undefined {
  try {
    return readMessages(body).flatMap(message => rateLimitEvent(message) ?? [])
  } catch (error) {
    if (error instanceof ZodError) return undefined
    throw error
  }
}

/** Compared by digest, so that neither length nor content can be found out by trying. */
function isToken(sent: string | readonly string[] | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return typeof sent === 'string' && timingSafeEqual(digest(sent), digest(token))
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 400
}

import { type Kysely, sql } from 'kysely'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'

/** 200 when every database answers, 503 when one does not: then no request should be sent here. */
export function readiness(
  databases: readonly Pick<Kysely<unknown>, 'getExecutor'>[],
  log: Logger,
): RequestHandler {
  return async (_request, response) => {
    try {
      await Promise.all(databases.map(db => sql`select 1`.execute(db)))
      response.json({ status: 'ready' })
    } catch (error) {
      log.error({ err: error }, 'the database does not answer')
      response.status(503).json({ status: 'unavailable' })
    }
  }
}

import { type Kysely, sql } from 'kysely'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'

/** Resolves when it can be worked with, now. */
export type Check = () => Promise<unknown>

/** Whether a database answers. */
export function answers(db: Pick<Kysely<unknown>, 'getExecutor'>): Check {
  return () => sql`select 1`.execute(db)
}

/**
 * 200 when every check resolves, 503 with the names of those that do not: then no request should be
 * sent here. What was wrong is in the log alone, once: it is asked every few seconds.
 */
export function readiness(checks: Readonly<Record<string, Check>>, log: Logger): RequestHandler {
  const failing = new Set<string>()
  return async (_request, response) => {
    const reasons = await Promise.all(
      Object.entries(checks).map(async ([what, check]) => {
        try {
          await check()
          if (failing.delete(what)) log.info({ what }, 'ready')
          return []
        } catch (error) {
          if (!failing.has(what)) log.warn({ err: error, what }, 'not ready')
          failing.add(what)
          return [`${what}: no answer`]
        }
      }),
    )
    if (reasons.every(reason => reason.length === 0)) response.json({ status: 'ready' })
    else response.status(503).json({ status: 'unavailable', reasons: reasons.flat() })
  }
}

import type { IncomingMessage } from 'node:http'
import { recordAuditEvent } from '../../storage/audit.ts'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'
import type { CountedEvent, Metrics } from './metrics.ts'

/** Writes an event durably, then counts and logs it. Rejects when the trail cannot be written. */
export type Audit = (req: Pick<IncomingMessage, 'headers'>, event: CountedEvent) => Promise<void>

export function createAudit(
  db: Database,
  log: Log,
  metrics: Pick<Metrics, 'auditWrite' | 'event'>,
): Audit {
  return async (req, event) => {
    const request_id = requestId(req)
    const complete = request_id === undefined ? event : { ...event, request_id }
    const written = metrics.auditWrite()
    try {
      await recordAuditEvent(db, complete)
    } catch (error) {
      written({ result: 'error' })
      throw error
    }
    written({ result: 'ok' })
    metrics.event(complete)
    log.info({ audit: complete }, 'audit')
  }
}

/** The id Kong gave the request; anything that does not look like one is left out. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined
}

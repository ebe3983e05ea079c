import type { IncomingMessage } from 'node:http'
import { type AuditEvent, recordAuditEvent } from '../../storage/audit.ts'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'

/** Writes an event durably, then logs it. Rejects when the trail cannot be written. */
export type Audit = (req: Pick<IncomingMessage, 'headers'>, event: AuditEvent) => Promise<void>

export function createAudit(db: Database, log: Log): Audit {
  return async (req, event) => {
    const request_id = requestId(req)
    const complete = request_id === undefined ? event : { ...event, request_id }
    await recordAuditEvent(db, complete)
    log.info({ audit: complete }, 'audit')
  }
}

/** The id Kong gave the request; anything that does not look like one is left out. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined
}

import type { Logger } from 'pino'
import { type AuditEvent, recordAuditEvent } from '../../storage/audit.ts'
import type { Database } from '../../storage/database.ts'
import type { Identity } from '../identity/identity.ts'
import type { Metrics } from '../metrics.ts'

/** What happened; who it was and in which request is filled in. */
export type Occurrence = Pick<
  AuditEvent,
  'type' | 'outcome' | 'tool' | 'argument_digest' | 'error_code' | 'duration_ms' | 'reason'
>

/** The audit trail of one request. */
export interface Recorder {
  /** Resolves when the event is on disk; rejects when it is not, and then nothing may leave. */
  record(occurrence: Occurrence): Promise<void>
  /** How many failures are on record; whoever finds another one later knows whether it is new. */
  readonly failures: number
}

/** Writes what happens in one request to the database, and then to the log. */
export function createRecorder(
  db: Database,
  log: Logger,
  identity: Identity,
  request_id: string,
  metrics: Pick<Metrics, 'auditWrite'>,
): Recorder {
  const { user_id, org_id, email, client_id, connection_id } = identity
  let failures = 0
  return {
    async record(occurrence) {
      const event = {
        ...occurrence,
        request_id,
        user_id,
        org_id,
        email,
        client_id,
        connection_id,
      }
      const written = metrics.auditWrite()
      try {
        await recordAuditEvent(db, event)
      } catch (error) {
        written({ result: 'error' })
        log.error({ err: error, event }, 'an event could not be recorded')
        throw error
      }
      written({ result: 'ok' })
      if (event.outcome === 'error' || event.outcome === 'refused') failures += 1
      log.info({ event }, 'audit')
    },
    get failures() {
      return failures
    },
  }
}

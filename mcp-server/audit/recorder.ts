import type { Logger } from 'pino'
import type { AuditEvent, AuditSubject } from '../../storage/audit-event.ts'
import type { AuditWriter } from '../../storage/audit-writer.ts'
import type { Identity } from '../identity/identity.ts'
import type { Metrics } from '../metrics.ts'

type WithoutSubject<E> = E extends AuditEvent ? Omit<E, keyof AuditSubject> : never

/** What happened; who it was and in which request is filled in. */
export type Occurrence = WithoutSubject<AuditEvent>

/** Where events go, and what to do when they cannot. */
export interface Trail {
  readonly write: AuditWriter['write']
  /** False: what cannot be recorded happens all the same, and stands in the log alone. */
  readonly required: boolean
}

/** The audit trail of one request. */
export interface Recorder {
  /** Resolves when the event is on disk; rejects when it is not, and then nothing may leave. */
  record(occurrence: Occurrence): Promise<void>
  /** How many failures are on record; whoever finds another one later knows whether it is new. */
  readonly failures: number
}

/** Writes what happens in one request to the database, and then to the log. */
export function createRecorder(
  { write, required }: Trail,
  log: Logger,
  identity: Identity,
  request_id: string,
  metrics: Pick<Metrics, 'auditWrite'>,
): Recorder {
  const { user_id, org_id, email, client_id, connection_id } = identity
  let failures = 0
  return {
    async record(occurrence) {
      const event: AuditEvent = {
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
        await write(event)
        written({ result: 'ok' })
        log.info({ event }, 'audit')
      } catch (error) {
        written({ result: 'error' })
        log.error({ err: error, event }, 'an event could not be recorded')
        if (required) throw error
        log.error({ event }, 'it happens all the same: AUDIT_REQUIRED is false')
      }
      if (event.outcome === 'error' || event.outcome === 'refused') failures += 1
    },
    get failures() {
      return failures
    },
  }
}

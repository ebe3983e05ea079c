import type { IncomingMessage } from 'node:http'
import type { ClientKind } from '../../storage/audit-event.ts'
import { recordAuditEvent } from '../../storage/audit.ts'
import type { AuditWriter } from '../../storage/audit-writer.ts'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'
import type { CountedEvent, Metrics } from './metrics.ts'

type Asked = Pick<IncomingMessage, 'headers'>

export interface Audit {
  /** Writes an event durably, then counts and logs it. Rejects when the trail cannot be written. */
  (req: Asked, event: CountedEvent): Promise<void>
  /**
   * Writes an event as a part of a transaction. What it gives counts and logs the event: to be
   * called once the transaction is committed.
   */
  within(transaction: Database, req: Asked | undefined, event: CountedEvent): Promise<() => void>
}

/**
 * Events beside no transaction share their commits with those of other requests. Every event says
 * what its client is, but for a registration that was refused: there is no client.
 */
export function createAudit(
  writer: Pick<AuditWriter, 'write'>,
  log: Log,
  metrics: Pick<Metrics, 'auditWrite' | 'event'>,
  kindOf: (client_id: string) => ClientKind,
): Audit {
  const put = async (
    write: (event: CountedEvent) => Promise<void>,
    req: Asked | undefined,
    event: CountedEvent,
  ) => {
    const request_id = req && requestId(req)
    const { type, outcome, client_id } = event
    const is_client = client_id !== undefined && !(type === 'registration' && outcome !== 'ok')
    const complete = {
      ...event,
      ...(request_id === undefined ? {} : { request_id }),
      ...(is_client ? { client_kind: kindOf(client_id) } : {}),
    }
    const written = metrics.auditWrite()
    try {
      await write(complete)
    } catch (error) {
      written({ result: 'error' })
      throw error
    }
    written({ result: 'ok' })
    return () => {
      metrics.event(complete)
      log.info({ event: complete }, 'audit')
    }
  }
  const audit = async (req: Asked, event: CountedEvent) =>
    (await put(complete => writer.write(complete), req, event))()
  const within: Audit['within'] = (transaction, req, event) =>
    put(complete => recordAuditEvent(transaction, complete), req, event)
  return Object.assign(audit, { within })
}

/** The id Kong gave the request; anything that does not look like one is left out. */
export function requestId({ headers }: Asked): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined
}

import type { IncomingMessage } from 'node:http'
import type { ClientKind } from '../../storage/audit-event.ts'
import { recordAuditEvent } from '../../storage/audit.ts'
import type { AuditWriter } from '../../storage/audit-writer.ts'
import { createRefusalTally, type Refusal } from '../../storage/refusal-tally.ts'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'
import type { CountedEvent, Metrics } from './metrics.ts'

/** What is known of the request; its address is the client's, as Kong sees it. */
export interface Asked extends Pick<IncomingMessage, 'headers'> {
  readonly socket?: { readonly remoteAddress?: string | undefined } | null
}

export interface Audit {
  /** Writes an event durably, then counts and logs it. Rejects when the trail cannot be written. */
  (req: Asked, event: CountedEvent): Promise<void>
  /**
   * Writes an event as a part of a transaction. What it gives counts and logs the event: to be
   * called once the transaction is committed.
   */
  within(transaction: Database, req: Asked | undefined, event: CountedEvent): Promise<() => void>
  /**
   * Has an event written by a statement that writes something else too, which says whether it wrote
   * anything. Then it is counted and logged. Gives what it says.
   */
  together(
    req: Asked,
    event: CountedEvent,
    write: (complete: CountedEvent) => Promise<boolean>,
  ): Promise<boolean>
}

/** The whole of it, for the runtime and the door. */
export interface RuntimeAudit extends Audit {
  /** Counts a refusal of nobody known: it is on record within some seconds of its minute's end. */
  refused(refusal: Refusal): void
  /** Records what was counted. */
  close(): Promise<void>
}

export interface AuditParts {
  readonly writer: Pick<AuditWriter, 'write'>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'auditWrite' | 'event'>
  readonly kindOf: (client_id: string) => ClientKind
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Events beside no transaction share their commits with those of other requests. Refusals of nobody
 * known are counted by the minute, but for the first of each kind. Every event says what its client
 * is, but for a registration that was refused: there is no client.
 */
export function createAudit({ writer, log, metrics, kindOf, now }: AuditParts): RuntimeAudit {
  const put = async <T>(write: (event: CountedEvent) => Promise<T>, event: CountedEvent) => {
    const written = metrics.auditWrite()
    try {
      const said = await write(event)
      written({ result: 'ok' })
      return said
    } catch (error) {
      written({ result: 'error' })
      throw error
    }
  }
  const tell = (event: CountedEvent) => log.info({ event }, 'audit')
  const record = async (event: CountedEvent) => {
    await put(complete => writer.write(complete), event)
    tell(event)
  }
  const tally = createRefusalTally({
    record,
    now,
    failed: (error, lost) =>
      log.error({ err: error, lost }, 'refusals that were counted are not on record yet'),
  })
  const complete = (req: Asked | undefined, event: CountedEvent): CountedEvent => {
    const request_id = req && requestId(req)
    const ip = req?.socket?.remoteAddress
    const { type, outcome, client_id } = event
    const is_client = client_id !== undefined && !(type === 'registration' && outcome !== 'ok')
    return {
      ...event,
      ...(request_id === undefined ? {} : { request_id }),
      ...(ip === undefined ? {} : { ip }),
      ...(is_client ? { client_kind: kindOf(client_id) } : {}),
    }
  }
  const audit = async (req: Asked, given: CountedEvent) => {
    const event = complete(req, given)
    if (!isOfNobody(event) || tally.isFirst(event)) await record(event)
    metrics.event(event)
  }
  return Object.assign(audit, {
    async within(transaction: Database, req: Asked | undefined, given: CountedEvent) {
      const event = complete(req, given)
      await put(one => recordAuditEvent(transaction, one), event)
      return () => {
        metrics.event(event)
        tell(event)
      }
    },
    async together(
      req: Asked,
      given: CountedEvent,
      write: (complete: CountedEvent) => Promise<boolean>,
    ) {
      const event = complete(req, given)
      const wrote = await put(write, event)
      if (wrote) {
        metrics.event(event)
        tell(event)
      }
      return wrote
    },
    refused: (refusal: Refusal) => tally.count(refusal),
    close: () => tally.close(),
  })
}

/** Whether anybody could have caused it, as often as they like. */
function isOfNobody(event: CountedEvent): event is Refusal & CountedEvent {
  const { type, outcome, user_id, org_id, connection_id } = event
  const failed = outcome === 'refused' || outcome === 'error'
  return type !== 'tool_call' && failed && (user_id ?? org_id ?? connection_id) === undefined
}

/** The id Kong gave the request; anything that does not look like one is left out. */
export function requestId({ headers }: Asked): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(id) ? id : undefined
}

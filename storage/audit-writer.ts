import type { AuditEvent } from './audit-event.ts'
import { recordAuditEvents } from './audit.ts'
import type { Database } from './database.ts'
import { type Asked, gather } from './gather.ts'
import { isRefusedRow } from './refused-row.ts'

/** The events of everybody who waits, written together. */
export interface AuditWriter {
  /**
   * Resolves when the event is on disk. Rejects when it is not, or when so many wait that it was not
   * even tried: then what it tells of must not happen.
   */
  write(event: AuditEvent): Promise<void>
  /** How many events are not on disk yet. */
  waiting(): number
  /** How long the oldest of them has waited, milliseconds; 0 when there is none. */
  lag(): number
  /** Takes no more events, and resolves when every one taken is on disk or rejected. */
  close(): Promise<void>
}

export interface AuditWriterOptions {
  /** Connections that nothing else uses: a slow query of somebody keeps no event waiting. */
  readonly db: Database
  /** Milliseconds; only differences of it are used. */
  readonly clock: () => number
  /** Events that may wait; one more is rejected. 10,000 unless told. */
  readonly most_waiting?: number
  /** Events of one statement; 500 unless told. */
  readonly most_at_once?: number
}

interface Waiting {
  readonly event: AuditEvent
  readonly since: number
}

/**
 * Group commit: while one statement is on its way to the disk, the events of others gather, and go
 * with the next. Concurrent calls so share a commit, and a lone one waits for nobody.
 *
 * When the database fails, everybody who waits is told at once. When it refuses a row for what is in
 * it, the rows are written one by one, and only whose row it is hears of it.
 */
export function createAuditWriter({
  db,
  clock,
  most_waiting = 10_000,
  most_at_once = 500,
}: AuditWriterOptions): AuditWriter {
  let closed = false
  const gathering = gather<Waiting, undefined>({
    work: batch => writeAll(db, batch),
    most_at_once,
    most_waiting,
    tooMany: waiting => new Error(`${waiting} events wait for the audit trail already`),
  })
  return {
    write: event =>
      closed
        ? Promise.reject(new Error('the audit trail is closed'))
        : gathering.ask({ event, since: clock() }),
    waiting: () => gathering.waiting(),
    lag() {
      const oldest = gathering.oldest()
      return oldest === undefined ? 0 : clock() - oldest.since
    },
    close() {
      closed = true
      return gathering.idle()
    },
  }
}

/** Rejects when the database fails; a row that it refuses fails its own waiter alone. */
async function writeAll(db: Database, batch: readonly Asked<Waiting, undefined>[]): Promise<void> {
  try {
    await recordAuditEvents(
      db,
      batch.map(({ item }) => item.event),
    )
  } catch (error) {
    if (batch.length === 1 || !isRefusedRow(error)) throw error
    for (const { item, answer, fail } of batch) {
      try {
        await recordAuditEvents(db, [item.event])
        answer(undefined)
      } catch (failure) {
        if (!isRefusedRow(failure)) throw failure
        fail(failure)
      }
    }
    return
  }
  for (const { answer } of batch) answer(undefined)
}

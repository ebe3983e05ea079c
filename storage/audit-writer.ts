import type { AuditEvent } from './audit-event.ts'
import { recordAuditEvents } from './audit.ts'
import type { Database } from './database.ts'

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
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
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
  const waiting: Waiting[] = []
  let written: readonly Waiting[] = []
  let working: Promise<void> | undefined
  let closed = false

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      written = waiting.splice(0, most_at_once)
      try {
        await writeAll(written)
      } catch (error) {
        for (const { reject } of [...written, ...waiting.splice(0)]) reject(error)
      }
      written = []
    }
    working = undefined
  }

  /** Rejects when the database fails; a row that it refuses rejects its own waiter alone. */
  async function writeAll(batch: readonly Waiting[]): Promise<void> {
    try {
      await recordAuditEvents(
        db,
        batch.map(({ event }) => event),
      )
    } catch (error) {
      if (batch.length === 1 || !isRefusedRow(error)) throw error
      for (const one of batch) {
        try {
          await recordAuditEvents(db, [one.event])
          one.resolve()
        } catch (failure) {
          if (!isRefusedRow(failure)) throw failure
          one.reject(failure)
        }
      }
      return
    }
    for (const { resolve } of batch) resolve()
  }

  return {
    write(event) {
      if (closed) return Promise.reject(new Error('the audit trail is closed'))
      const many = waiting.length + written.length
      if (many >= most_waiting)
        return Promise.reject(new Error(`${many} events wait for the audit trail already`))
      return new Promise((resolve, reject) => {
        waiting.push({ event, since: clock(), resolve, reject })
        working ??= work()
      })
    },
    waiting: () => waiting.length + written.length,
    lag() {
      const oldest = written[0] ?? waiting[0]
      return oldest === undefined ? 0 : clock() - oldest.since
    },
    async close() {
      closed = true
      await working
    },
  }
}

/** SQLSTATE classes 22 (data) and 23 (constraints): it is the row's fault, not the database's. */
function isRefusedRow(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^2[23]...$/.test(error.code)
  )
}

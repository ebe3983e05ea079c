import { randomInt } from 'node:crypto'
import { keepAuditTrail } from '../../storage/audit-retention.ts'
import { type HousekeepingDone, keepHouse } from '../../storage/housekeeping.ts'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'

export interface HousekeepingParts {
  readonly db: Database
  /** Resolves when the database has its tables. */
  readonly ready: () => Promise<void>
  /** Seconds for which a connection that has ended is still shown. */
  readonly retention: number
  /** Seconds for which an audit event is kept at least. */
  readonly audit_retention: number
  readonly log: Log
  /** Hears what each round did, also when that was nothing. */
  readonly done: (done: HousekeepingDone) => void
  /** Milliseconds between two rounds, and at most as many again. */
  readonly interval?: number
}

const a_minute = 60_000
const batch = 1_000
/** About an hour and a half: partitions are made months before they are needed. */
const rounds_between_partitions = 60

/**
 * Keeps house for as long as the runtime lives, once in one to two minutes: of many plugin servers
 * one does the work. A round that fails is tried again with the next. The function it gives ends it,
 * and resolves when nothing of it is under way any more.
 */
export function startHousekeeping({
  db,
  ready,
  retention,
  audit_retention,
  log,
  done,
  interval = a_minute,
}: HousekeepingParts): () => Promise<void> {
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let round = Promise.resolve()

  let rounds = 0

  async function keepTrail(): Promise<void> {
    const { signal } = over
    const trail = await keepAuditTrail(db, { retention: audit_retention, batch, signal })
    if (trail.made.length + trail.dropped.length + trail.removed > 0)
      log.info(trail, 'the partitions of the audit trail were changed')
  }
  async function keep(): Promise<void> {
    try {
      await ready()
      const work = await keepHouse(db, { batch, retention, signal: over.signal })
      if (Object.values(work).some(rows => rows > 0)) log.info(work, 'what has expired was removed')
      if (rounds % rounds_between_partitions === 0) await keepTrail()
      rounds += 1
      done(work)
    } catch (error) {
      log.warn({ err: error }, 'housekeeping failed; the next round tries again')
    }
    schedule()
  }
  function schedule(): void {
    if (over.signal.aborted) return
    timer = setTimeout(
      () => {
        round = keep()
      },
      interval + randomInt(interval),
    )
    timer.unref()
  }
  schedule()
  return () => {
    over.abort()
    clearTimeout(timer)
    return round
  }
}

import type { AuditReader } from '../../storage/audit-filter.ts'
import { countAuditEvents } from '../../storage/count-audit-events.ts'
import type { Database } from '../../storage/database.ts'
import { type ExportedEvent, searchAuditEvents } from '../../storage/export-audit-events.ts'
import { readWithin, TookTooLong } from '../../storage/statement-limit.ts'
import type { Search } from './search-form.ts'
import type { InTurn } from './turns.ts'
import { drawnDays, type Usage, usageOf } from './usage.ts'

const events_on_a_page = 50
const most_tools = 10

export interface Found {
  /** The latest first; undefined when the database took too long. */
  readonly events: readonly ExportedEvent[] | undefined
  /** Whether there are older ones. */
  readonly more: boolean
  /** Undefined when nothing is to be drawn, or when the database took too long. */
  readonly usage: Usage | undefined
  /** The days that were counted, and whether they are fewer than were searched. */
  readonly drawn: ReturnType<typeof drawnDays>
  readonly took_too_long: readonly ('search' | 'count')[]
}

export interface Trail {
  readonly db: Database
  readonly inTurn: InTurn
  /** Milliseconds that the database has for each. */
  readonly limits: { readonly search: number; readonly count: number }
}

/** A page of events, and with the first page what is counted of all of them. */
export async function readTrail(
  { db, inTurn, limits }: Trail,
  seen_by: AuditReader,
  { filter, after }: Search,
  now: Date,
): Promise<Found> {
  const drawn = drawnDays(filter.since, filter.until ?? now)
  const { since, until } = drawn
  const counted = { ...filter, type: filter.type ?? 'tool_call', since, until, seen_by }
  const events = await inTurn(() =>
    inTime(db, limits.search, transaction =>
      searchAuditEvents(
        transaction,
        { ...filter, seen_by },
        { ...(after ? { after } : {}), order: 'desc', limit: events_on_a_page + 1 },
      ),
    ),
  )
  const counts =
    after || filter.outcome === 'started'
      ? undefined
      : await inTurn(() =>
          inTime(db, limits.count, transaction =>
            countAuditEvents(transaction, counted, most_tools),
          ),
        )
  return {
    events: events === 'took_too_long' ? undefined : events.slice(0, events_on_a_page),
    more: events !== 'took_too_long' && events.length > events_on_a_page,
    usage:
      counts === undefined || counts === 'took_too_long'
        ? undefined
        : usageOf(counts, since, until),
    drawn,
    took_too_long: [
      ...(events === 'took_too_long' ? (['search'] as const) : []),
      ...(counts === 'took_too_long' ? (['count'] as const) : []),
    ],
  }
}

async function inTime<T>(
  db: Database,
  limit: number,
  read: (db: Database) => Promise<T>,
): Promise<T | 'took_too_long'> {
  try {
    return await readWithin(db, limit, read)
  } catch (error) {
    if (error instanceof TookTooLong) return 'took_too_long'
    throw error
  }
}

import { type RawBuilder, sql } from 'kysely'
import type { AuditOutcome } from './audit-event.ts'
import { type AuditFilter, auditConditions } from './audit-filter.ts'
import type { Database } from './database.ts'

/** How something ended. `started` is no end: the same call has another event. */
export type AuditEnd = Exclude<AuditOutcome, 'started'>

/** Events of each outcome; one that is missing did not happen. */
export type EndCounts = Readonly<Partial<Record<AuditEnd, number>>>

export interface AuditCounts {
  /** By day (UTC), `2026-11-01`; a day without events is missing. */
  readonly days: ReadonlyMap<string, EndCounts>
  /** By tool, the most used first. */
  readonly tools: ReadonlyMap<string, EndCounts>
  /** The tools beyond those, together. */
  readonly other_tools: { readonly tools: number; readonly counts: EndCounts }
}

/** A time without end would be counted without end. */
export type CountedFilter = AuditFilter & Required<Pick<AuditFilter, 'since' | 'until'>>

interface Row {
  readonly kind: 'day' | 'tool' | 'other_tools'
  readonly name: string | null
  readonly outcome: AuditEnd | null
  readonly events: number
}

/** Counts by day and by tool what ended, reading the events once. Names at most `most_tools`. */
export async function countAuditEvents(
  db: Database,
  filter: CountedFilter,
  most_tools: number,
): Promise<AuditCounts> {
  const { rows } = await countQuery(filter, most_tools).execute(db)
  const days = new Map<string, EndCounts>()
  const tools = new Map<string, EndCounts>()
  let other_tools: AuditCounts['other_tools'] = { tools: 0, counts: {} }
  for (const { kind, name, outcome, events } of rows) {
    if (outcome === null) other_tools = { ...other_tools, tools: events }
    else if (name === null)
      other_tools = { ...other_tools, counts: { ...other_tools.counts, [outcome]: events } }
    else {
      const counts = kind === 'day' ? days : tools
      counts.set(name, { ...counts.get(name), [outcome]: events })
    }
  }
  return { days, tools, other_tools }
}

/** The statement, for whoever wants to explain it. */
export function countQuery(filter: CountedFilter, most_tools: number): RawBuilder<Row> {
  return sql<Row>`
    with counted as (
      select date_bin('1 day', at, '2000-01-01T00:00:00Z') as day, tool, outcome,
        sum(coalesce(count, 1)) as events
      from audit_events
      where outcome <> 'started' and ${sql.join([...auditConditions(filter)], sql` and `)}
      group by 1, 2, 3
    ), named as (
      select tool, sum(events) as events from counted where tool is not null
      group by tool order by events desc, tool limit ${most_tools}
    ), rows as (
      select 'day' as kind, to_char(day at time zone 'utc', 'YYYY-MM-DD') as name, outcome,
        sum(events)::bigint as events, 0 as used
      from counted group by day, outcome
      union all
      select 'tool', named.tool, outcome, sum(counted.events)::bigint, max(named.events)
      from counted left join named using (tool) where counted.tool is not null
      group by named.tool, outcome
      union all
      select 'other_tools', null, null, count(distinct tool) - (select count(*) from named), 0
      from counted
    )
    select kind, name, outcome, events from rows order by kind, used desc, name, outcome`
}

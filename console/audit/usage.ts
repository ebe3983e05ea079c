import type { AuditCounts, AuditEnd, EndCounts } from '../../storage/count-audit-events.ts'
import { a_day } from './search-form.ts'

/** Days that are drawn at most: more bars than that are a grey mass. */
export const most_drawn_days = 92
export const ends = ['ok', 'error', 'refused'] as const satisfies readonly AuditEnd[]

export interface Counted {
  readonly counts: Readonly<Record<AuditEnd, number>>
  readonly total: number
}

export interface DayUsage extends Counted {
  /** `2026-11-01`, UTC. */
  readonly day: string
}

export interface ToolUsage extends Counted {
  readonly tool: string
}

export interface Usage extends Counted {
  readonly days: readonly DayUsage[]
  readonly tools: readonly ToolUsage[]
  /** The tools that are not named, together; undefined when all are. */
  readonly other_tools: (Counted & { readonly tools: number }) | undefined
}

/** The last days of a time, whole days (UTC) from its first one on, and whether that is not all of it. */
export function drawnDays(since: Date, until: Date): { since: Date; until: Date; cut: boolean } {
  const last = startOfDay(until.getTime() - 1)
  const first = last - (most_drawn_days - 1) * a_day
  const cut = since.getTime() < first
  return { since: cut ? new Date(first) : since, until, cut }
}

/** Counts made complete: every day of the time is there. */
export function usageOf(counts: AuditCounts, since: Date, until: Date): Usage {
  const days: DayUsage[] = []
  for (let at = startOfDay(since.getTime()); at < until.getTime(); at += a_day) {
    const day = new Date(at).toISOString().slice(0, 10)
    days.push({ day, ...counted(counts.days.get(day) ?? {}) })
  }
  const { tools, counts: others } = counts.other_tools
  return {
    ...counted(sum(days.map(day => day.counts))),
    days,
    tools: [...counts.tools].map(([tool, each]) => ({ tool, ...counted(each) })),
    other_tools: tools > 0 ? { tools, ...counted(others) } : undefined,
  }
}

function counted(given: EndCounts): Counted {
  const { ok = 0, error = 0, refused = 0 } = given
  return { counts: { ok, error, refused }, total: ok + error + refused }
}

function sum(all: readonly EndCounts[]): EndCounts {
  const total = (end: AuditEnd) => all.reduce((so_far, each) => so_far + (each[end] ?? 0), 0)
  return { ok: total('ok'), error: total('error'), refused: total('refused') }
}

const startOfDay = (at: number): number => Math.floor(at / a_day) * a_day

import { type_words } from './event-words.ts'
import type { Found } from './read-trail.ts'
import { a_day, type addressOf, type Search } from './search-form.ts'
import { chart_fills, daysChart, shareBar, swatch } from './usage-chart.ts'
import { ends, most_drawn_days } from './usage.ts'
import { visibleText } from './visible-text.ts'

type Address = (changes: Parameters<typeof addressOf>[2]) => string

const number = new Intl.NumberFormat('en-GB')
const end_words = { ok: 'OK', error: 'Failed', refused: 'Refused' } as const

/** Usage over time as the template shows it; undefined on a later page, where it is left out. */
export function usagePart(
  { filter, after }: Search,
  { usage, drawn, took_too_long }: Found,
  at: Address,
): object | undefined {
  if (after) return undefined
  const type = filter.type ?? 'tool_call'
  const what = type === 'tool_call' ? 'tool calls' : `events “${type_words[type]}”`
  if (!usage)
    return {
      what,
      why_not: took_too_long.includes('count')
        ? 'Counting so many events took too long. Choose a shorter time to see the chart.'
        : 'What only began is not counted: see how it ended.',
    }
  const most = Math.max(...usage.tools.map(({ total }) => total), usage.other_tools?.total ?? 0)
  const row = (each: (typeof usage.days)[number] | (typeof usage.tools)[number]) => ({
    total: number.format(each.total),
    counts: ends.map(end => number.format(each.counts[end])),
  })
  return {
    what,
    total: number.format(usage.total),
    nothing: usage.total === 0,
    cut: drawn.cut ? most_drawn_days : undefined,
    headings: ends.map(end => ({ word: end_words[end], swatch: swatch(end) })),
    fills: chart_fills,
    chart: daysChart(usage.days, what),
    days: usage.days
      .map(day => ({ ...row(day), day: day.day, href: dayAddress(at, day.day) }))
      .reverse(),
    tools: usage.tools.map(tool => ({
      ...row(tool),
      tool: visibleText(tool.tool),
      href: at({ tool: tool.tool, after: undefined }),
      bar: shareBar(tool, most),
    })),
    other_tools: usage.other_tools && {
      ...row({ ...usage.other_tools, tool: '' }),
      tools: number.format(usage.other_tools.tools),
      bar: shareBar(usage.other_tools, most),
    },
  }
}

function dayAddress(at: Address, day: string): string {
  const next = new Date(Date.parse(day) + a_day).toISOString().slice(0, 10)
  return at({ from: day, until: next, after: undefined })
}

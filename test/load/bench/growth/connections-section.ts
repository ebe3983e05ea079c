import { percentile } from '../../table.ts'
import { median, ratioOf } from '../rounds.ts'
import { atMost, type Section } from '../write-up/section.ts'

/** Milliseconds of one kind of work in databases of growing size. */
export interface Growing {
  readonly what: string
  /** For each database, for each round. */
  readonly times: readonly (readonly (readonly number[])[])[]
  /** Whether the goal is about it. */
  readonly judged: boolean
}

const goal = 1.2
/** Connections at which the goal is judged, and not before. */
const judged_at = 1_000_000
const listed = new Intl.ListFormat('en')
const spaced = (count: number) => count.toLocaleString('en')

/** What a growing number of connections, and of organizations with them, does to what is asked of the database. */
export function connectionsSection(
  sizes: readonly number[],
  organizations: (connections: number) => number,
  work: readonly Growing[],
  not_measured: readonly string[],
): Section {
  const medians = ({ times }: Growing) => times.map(rounds => rounds.map(each => median(each)))
  const ratio = (growing: Growing) => {
    const found = medians(growing)
    return ratioOf(found.at(-1) ?? [], found[0] ?? [])
  }
  const shown = (growing: Growing) => medians(growing).map(each => median(each).toFixed(2))
  const p99s = ({ times }: Growing) =>
    [times[0], times.at(-1)].map(rounds => percentile((rounds ?? []).flat(), 0.99).toFixed(2))
  const [least = NaN, most = NaN] = [sizes[0], sizes.at(-1)]
  return {
    title: `From ${spaced(least)} connections to ${spaced(most)}`,
    how:
      `Databases with ${listed.format(sizes.map(spaced))} connections, each with its grant and its refresh token, and the ` +
      `audit trail of ${listed.format(sizes.map(size => spaced(organizations(size))))} organizations, 50 events each. ` +
      `Worked with are 1,000 connections of one organization that lie everywhere among the others. PostgreSQL does ` +
      `not wait for the disk, which would take as long in all of them. They take turns. Medians in milliseconds; the ` +
      `ratio is the median of those of each round, the p99 that of all. A token at the plugin server: one it has never ` +
      `seen, of a connection it does not know, from the event to its end.`,
    rows: [
      ['work', ...sizes.map(spaced), 'ratio', `p99, ${spaced(least)}`, `p99, ${spaced(most)}`],
      ...work.map(growing => [
        growing.what,
        ...shown(growing),
        ratio(growing).toFixed(2),
        ...p99s(growing),
      ]),
    ],
    goals: work
      .filter(({ judged }) => judged && most >= judged_at)
      .map(growing =>
        atMost(`${growing.what}, at ${spaced(most)} of at ${spaced(least)}`, goal, ratio(growing)),
      ),
    unmeasured: not_measured,
    plots: work
      .filter(({ judged }) => judged)
      .map((growing, index) => ({
        name: `growth-${index + 1}`,
        title: `${growing.what}, by the number of connections`,
        unit: 'ms',
        bars: sizes.map((size, at) => {
          const text = shown(growing)[at] ?? ''
          return { label: spaced(size), value: Number(text), text }
        }),
      })),
  }
}

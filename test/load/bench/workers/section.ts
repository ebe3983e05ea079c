import { median, ratioOf } from '../rounds.ts'
import { atLeast, type Section } from '../write-up/section.ts'

/** What so many workers reached in a leg. */
export interface WorkerRun {
  readonly requests_per_second: number
  /** Processors that the plugin server kept busy. */
  readonly busy: number
  /** Share of one processor that the load took. */
  readonly load: number
}

export interface WorkersFound {
  readonly workers: readonly number[]
  /** For each of them, a run in each round; undefined with the reason why there are none. */
  readonly runs: readonly (readonly WorkerRun[])[] | { readonly not_measured: string }
}

const goal = 1.7
const goal_text = `Whether two workers reach ${goal} times one`
/** A load that is busy for more of the time than this may have been the limit itself. */
const most_load = 0.9
/** Workers that used less of their share than this were kept from their work by something else. */
const least_used = 0.9

/** Workers that are held to a share of a processor each: whether the work divides. */
export function heldSection(share: number, { runs, workers }: WorkersFound): Section {
  const title = 'Workers, each held to a share of a processor'
  const how =
    `Warm validation, 16 connections that are never idle. Each worker gets ${share} of a processor and no more, so that ` +
    `the load has enough beside them on this computer. It says whether the work divides: what workers share (the ` +
    `primary, the socket, locks) would show. It does not say how fast a worker is. Of its share: what the plugin server ` +
    `used of what its workers had.`
  if ('not_measured' in runs)
    return { title, how, rows: [], goals: [], unmeasured: [`${goal_text}: ${runs.not_measured}.`] }
  const of = (pick: (run: WorkerRun) => number) => runs.map(each => median(each.map(pick)))
  const used = of(({ busy }) => busy).map((busy, index) => busy / (share * (workers[index] ?? NaN)))
  const load = of(run => run.load)
  const why =
    Math.max(...load) > most_load
      ? 'the load itself took nearly a whole processor and may have been the limit'
      : Math.min(...used) < least_used
        ? 'the workers did not use up what they had, so something else was the limit'
        : undefined
  const title_of_plot = 'Workers, each held to the same share of a processor'
  return compared({ title, how, why, runs, workers, plot: ['workers-held', title_of_plot] }, [
    ['of its share', ...used.map(value => value.toFixed(2))],
    ['load busy', ...load.map(value => value.toFixed(2))],
  ])
}

/** Workers as they are. */
export function freeSection(processors: number, { runs, workers }: WorkersFound): Section {
  const title = 'Workers, as many processors as they want'
  const how =
    'Warm validation, 16 connections that are never idle. Busy: processors that the plugin server kept busy.'
  if ('not_measured' in runs)
    return { title, how, rows: [], goals: [], unmeasured: [`${goal_text}: ${runs.not_measured}.`] }
  const of = (pick: (run: WorkerRun) => number) => runs.map(each => median(each.map(pick)))
  const load = of(run => run.load)
  const why =
    Math.max(...load) > most_load
      ? `the load, one process, is the limit on these ${processors} processors`
      : undefined
  return compared(
    {
      title,
      how,
      why,
      runs,
      workers,
      plot: ['workers', 'Workers, as many processors as they want'],
    },
    [
      ['busy', ...of(({ busy }) => busy).map(value => value.toFixed(2))],
      ['load busy', ...load.map(value => value.toFixed(2))],
    ],
  )
}

interface Comparison {
  readonly title: string
  readonly how: string
  /** Why the goal is not judged. */
  readonly why: string | undefined
  readonly runs: readonly (readonly WorkerRun[])[]
  readonly workers: readonly number[]
  readonly plot: readonly [name: string, title: string]
}

function compared(
  { how, plot: [name, plot_title], runs, title, why, workers }: Comparison,
  columns: readonly (readonly string[])[],
): Section {
  const speeds = runs.map(each => each.map(run => run.requests_per_second))
  const [one = []] = speeds
  const names = workers.map(count => (count === 1 ? '1 worker' : `${count} workers`))
  const two = speeds[workers.indexOf(2)]
  const figures = speeds.map(speed => Math.round(median(speed)))
  return {
    title,
    how,
    rows: [
      ['workers', 'requests/s', 'of one', ...columns.map(([heading = '']) => heading)],
      ...names.map((worker, index) => [
        ...[worker, figures[index] ?? '', ratioOf(speeds[index] ?? [], one).toFixed(2)],
        ...columns.map(column => column[index + 1] ?? ''),
      ]),
    ],
    goals:
      why === undefined && two !== undefined
        ? [atLeast('two workers, of one', goal, ratioOf(two, one))]
        : [],
    unmeasured: why === undefined ? [] : [`${goal_text}: ${why}.`],
    plots: [
      {
        name,
        title: plot_title,
        unit: 'requests/s',
        bars: figures.map((value, index) => ({
          label: names[index] ?? '',
          value,
          text: String(value),
        })),
      },
    ],
  }
}

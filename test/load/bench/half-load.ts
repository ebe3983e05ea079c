import { percentile } from '../table.ts'
import { type Paced, runPaced } from './paced-load.ts'
import { apart, type Arranged } from './pin.ts'
import { median } from './rounds.ts'
import type { Subject } from './subject.ts'
import { atMost, type Section } from './write-up/section.ts'

export interface HalfLoadOptions {
  readonly floor: Subject
  readonly warm: Subject
  /** Requests a second. */
  readonly rate: number
  readonly connections: number
  readonly rounds: number
  /** Milliseconds of a round for each of the two. */
  readonly duration: number
  readonly report: (line: string) => void
}

/** A turn of each of the two, one right after the other. */
export interface Turns {
  readonly floor: Paced
  readonly warm: Paced
}

/** Milliseconds of a turn: whatever else the computer does meets both alike. */
const turn = 250
/** Milliseconds that validation may add, at the 99th percentile. */
const most_added = 1
/** Milliseconds that the load may be late, at the 99th percentile, in a turn that counts. */
const most_late = 0.5
/** Of all turns, that must count for anything to be said. */
const least_counted = 0.25

/** What validation adds to the slowest requests. Both take many short turns in each round. */
export async function measureHalfLoad(options: HalfLoadOptions): Promise<Section> {
  const { connections, duration, floor, rate, report, rounds, warm } = options
  const runOf = ({ player, server }: Subject) =>
    runPaced({ socket: server.socket, connections, duration: turn, player, rate })
  return apart([floor.server.pid, warm.server.pid], async arranged => {
    const found: Turns[][] = []
    for (let round = 1; round <= rounds; round += 1) {
      report(`round ${round} of ${rounds}: half load`)
      const turns: Turns[] = []
      for (let run = 0; run < duration / turn; run += 1)
        turns.push({ floor: await runOf(floor), warm: await runOf(warm) })
      found.push(turns)
    }
    return halfLoadSection(rate, arranged, found)
  })
}

/** What is said of the turns of each round. */
export function halfLoadSection(
  rate: number,
  arranged: Arranged,
  found: readonly (readonly Turns[])[],
): Section {
  const late = (paced: Paced) => percentile(paced.late, 0.99)
  const counts = (turns: Turns) => late(turns.floor) <= most_late && late(turns.warm) <= most_late
  const counted = found.map(turns => turns.filter(counts)).filter(turns => turns.length > 0)
  const made = found.flat().length
  const good = counted.flat().length
  const enough = good >= made * least_counted && counted.length > found.length / 2
  const all = enough ? counted : found
  const p = (name: keyof Turns, share: number, times: keyof Paced = 'durations') =>
    all.map(turns =>
      percentile(
        turns.flatMap(each => each[name][times]),
        share,
      ),
    )
  const floor_p99 = p('floor', 0.99)
  const added = median(p('warm', 0.99).map((value, round) => value - (floor_p99[round] ?? NaN)))
  const goal = atMost('p99 that validation adds, ms', most_added, added)
  const shown = (values: readonly number[]) => median(values).toFixed(2)
  return {
    title: 'What validation adds to the slowest requests at half load',
    how:
      `${rate} requests a second at fixed times, half of what the no-op floor reached, in turns of ${turn} ms. ` +
      `${describe(arranged)} A time counts the wait for a free connection, but not for how long the computer kept the ` +
      `load itself from its work (late). A pair of turns counts when the load was at most ${most_late} ms late at the ` +
      `99th percentile in both: ${good} of ${made} did` +
      (enough ? ', and the table is of them.' : ', which are too few: the table is of all.'),
    rows: [
      ['plugin', 'p50 ms', 'p99 ms', 'load late, p99 ms'],
      ...(['floor', 'warm'] as const).map(name => [
        name === 'floor' ? 'no-op, ours' : 'real validation, caches warm',
        ...[shown(p(name, 0.5)), shown(p(name, 0.99)), shown(p(name, 0.99, 'late'))],
      ]),
    ],
    goals: enough ? [goal] : [],
    unmeasured: enough
      ? []
      : [
          `What validation adds to the p99 (goal: ${goal.goal} ms): the computer kept the load itself waiting for longer than ${most_late} ms in too many turns. Let nothing else run, or take one with more processors.`,
        ],
  }
}

function describe({ apart: is_apart, first }: Arranged): string {
  if (!is_apart) return 'Load and plugin servers share the processors.'
  return `The plugin servers are kept on one processor and the load, which never sleeps, on another${first ? ', all of them before other processes' : ''}.`
}

import { percentile } from '../table.ts'
import { type Paced, runPaced } from './paced-load.ts'
import { median } from './rounds.ts'
import { atMost, type Section } from './section.ts'
import type { Subject } from './subject.ts'

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

/** Milliseconds of a turn: whatever else the computer does meets both alike. */
const turn = 250
/** Milliseconds that validation may add, at the 99th percentile. */
const most_added = 1

/** What validation adds to the slowest requests. Both take many short turns in each round. */
export async function measureHalfLoad(options: HalfLoadOptions): Promise<Section> {
  const { connections, duration, floor, rate, report, rounds, warm } = options
  const subjects = [floor, warm]
  const loads: Paced[][] = [[], []]
  for (let round = 1; round <= rounds; round += 1) {
    report(`round ${round} of ${rounds}: half load`)
    const turns: Paced[][] = [[], []]
    for (let run = 0; run < duration / turn; run += 1)
      for (const [index, { player, server }] of subjects.entries())
        turns[index]?.push(
          await runPaced({ socket: server.socket, connections, duration: turn, player, rate }),
        )
    for (const [index, paced] of turns.entries()) loads[index]?.push(together(paced))
  }
  const of = (index: number, share: number, times: keyof Paced = 'durations') =>
    (loads[index] ?? []).map(load => percentile(load[times], share))
  const floor_p99 = of(0, 0.99)
  const added = median(of(1, 0.99).map((value, round) => value - (floor_p99[round] ?? NaN)))
  const late = Math.max(median(of(0, 0.99, 'late')), median(of(1, 0.99, 'late')))
  const goal = atMost('p99 that validation adds, ms', most_added, added)
  const shown = (values: readonly number[]) => median(values).toFixed(2)
  return {
    title: 'What validation adds to the slowest requests at half load',
    how:
      `${rate} requests a second at fixed times, half of what the no-op floor reached, in turns of ${turn} ms. ` +
      'A time counts the wait for a free connection, but not for how long the computer kept the load itself from its work (late).',
    rows: [
      ['plugin', 'p50 ms', 'p99 ms', 'load late, p99 ms'],
      ...['no-op, ours', 'real validation, caches warm'].map((name, index) => [
        ...[name, shown(of(index, 0.5)), shown(of(index, 0.99)), shown(of(index, 0.99, 'late'))],
      ]),
    ],
    goals: late <= most_added ? [goal] : [],
    unmeasured:
      late <= most_added
        ? []
        : [
            `What validation adds to the p99 (goal: ${goal.goal} ms): the computer kept the load itself waiting for longer than that. Let nothing else run, or take one with more processors.`,
          ],
  }
}

function together(turns: readonly Paced[]): Paced {
  return {
    durations: turns.flatMap(({ durations }) => durations),
    late: turns.flatMap(({ late }) => late),
  }
}

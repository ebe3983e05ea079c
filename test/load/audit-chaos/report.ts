import { percentile, table } from '../table.ts'
import type { Calls } from './callers.ts'
import type { Verdict } from './verify.ts'

export interface Kill {
  /** Numbered from 1. */
  readonly round: number
  readonly victim: string
  /** Calls on their way at that moment, as their callers count. */
  readonly in_flight: number
  /** Milliseconds from the kill until a call that began after it had written something. */
  readonly recovery: number
}

export interface Report {
  readonly kills: readonly Kill[]
  /** For people: a row for each victim, and what is amiss. */
  readonly text: string
  /** Whether nothing is amiss. */
  readonly sound: boolean
}

export function reportOf(kills: readonly Kill[], calls: Calls, verdict: Verdict): Report {
  const { events, written, without_event, without_started } = verdict
  const victims = [...new Set(kills.map(({ victim }) => victim))]
  const rows = victims.map(victim => {
    const its = kills.filter(kill => kill.victim === victim)
    const rounds = new Set(its.map(({ round }) => round))
    const count = (ids: readonly string[], round_of: ReadonlyMap<string, number>) =>
      ids.filter(id => rounds.has(round_of.get(id) ?? 0)).length
    const in_flight = its.map(kill => kill.in_flight)
    const recovery = its.map(kill => kill.recovery)
    return [
      ...[victim, its.length, `${Math.min(...in_flight)}–${Math.max(...in_flight)}`],
      count([...calls.answered.keys()], calls.answered),
      count(without_event, calls.answered),
      count(without_started, calls.sent),
      count(calls.hung, calls.sent),
      ...[Math.round(percentile(recovery, 0.5)), Math.round(Math.max(...recovery))],
    ]
  })
  const heading = [
    ...['killed', 'times', 'in flight', 'results', 'without event', 'without started', 'hung'],
    ...['recovery ms, median', 'longest'],
  ]
  const amiss = [...without_event, ...without_started, ...calls.hung]
  const text = [
    table([heading, ...rows]),
    `\nCalls: ${calls.sent.size} sent, ${calls.answered.size} results; ${events} ended in the trail\n`,
    `Results without an event: ${without_event.length}\n`,
    `Writes: ${written}; without a "started": ${without_started.length}\n`,
    `Neither answered nor broken off: ${calls.hung.length}\n`,
    ...amiss.slice(0, 10).map(id => `  ${id}\n`),
  ].join('')
  return { kills, text, sound: amiss.length === 0 }
}

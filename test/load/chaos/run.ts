import type { Child } from '../../../gateway/local/stack/child.ts'
import type { LocalSystem } from '../local-system.ts'
import { table } from '../table.ts'
import { toolCall } from '../tool-request.ts'
import { readTrail, type Trail } from './audit.ts'
import { createAttempts, good_tool } from './callers.ts'
import { faultsOf, type Relays } from './faults.ts'
import { inflict, type Outcome } from './inflict.ts'
import { startLoad } from './load.ts'
import { signInPeople } from './people.ts'
import { createTally } from './tally.ts'

export interface ChaosOptions {
  readonly at_once: number
  readonly only: string
  /** Milliseconds that each fault lasts. */
  readonly duration: number
  readonly signal: AbortSignal
  readonly report: (line: string) => void
}

/** Milliseconds until a client of the load gives up, and that recovering may take. */
const patience = 3_000
const recovery_limit = 30_000

/** Users of two organizations. */
const emails = ['alice@acme.example', 'carol@globex.example']

/** Inflicts every fault that was asked for. Gives the summary, and whether all is as it must be. */
export async function runChaos(
  system: LocalSystem<Child>,
  database: Relays,
  { at_once, duration, only, report, signal }: ChaosOptions,
): Promise<{ readonly summary: string; readonly sound: boolean }> {
  const faults = faultsOf(system, database).filter(({ name }) => name.includes(only))
  if (faults.length === 0) throw new TypeError(`no fault has a name with “${only}” in it`)
  const { url } = system
  const people = await signInPeople(url, emails)
  const kid = system.keys.signing_keys.keys[0]?.kid ?? ''
  const next = createAttempts(url, () => people.all, kid)
  const load = startLoad({ url, at_once, patience, next, tally: createTally() })
  const probe = () => {
    const [signed_in] = people.all
    if (!signed_in) throw new Error('nobody is signed in')
    const headers = ['Authorization', `Bearer ${signed_in.access_token}`]
    return load.send({ signed_in, headers, body: toolCall(good_tool) })
  }
  const outcomes: Outcome[] = []
  try {
    for (const fault of faults) {
      await people.refresh()
      report(fault.name)
      const outcome = await inflict(fault, {
        ...{ load, duration, limit: recovery_limit, signal, probe },
      })
      report(`  ${describeStatuses(outcome)}; ${describeRecovery(outcome)}`)
      outcomes.push(outcome)
      if (outcome.recovery === undefined) break
    }
  } finally {
    await load.stop()
  }
  return conclude(outcomes, await readTrail(system.database_url, people.all, load, people.calls))
}

function conclude(outcomes: readonly Outcome[], trail: Trail) {
  const answers = outcomes.flatMap(({ tally }) => tally.violations)
  const violations = [...answers, ...trail.violations]
  const sound = violations.length === 0 && outcomes.every(({ recovery }) => recovery !== undefined)
  const sum = (count: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0)
  const answered = ({ tally }: Outcome) =>
    [...tally.statuses.values()].reduce((total, count) => total + count, 0)
  const rows = outcomes.map(outcome => [
    outcome.fault,
    outcome.in_flight,
    answered(outcome),
    outcome.tally.tools,
    Math.round(outcome.tally.slowest),
    outcome.tally.violations.length,
    outcome.recovery ?? 'never',
    describeStatuses(outcome),
  ])
  const heading = ['fault', 'in flight', 'calls', 'good', 'slowest ms', 'wrong', 'recovery ms']
  const summary = [
    table([[...heading, 'answers by status (none: given up or broken off)'], ...rows]),
    `\nCalls in flight at the moment of a fault: ${sum(({ in_flight }) => in_flight)}\n`,
    `Calls made: ${sum(answered)}; tool calls on record: ${trail.calls}\n`,
    `Reached a tool without a good token, or as another person: ${violations.length}\n`,
    ...violations.slice(0, 20).map(violation => `  ${violation}\n`),
  ].join('')
  return { summary, sound }
}

function describeStatuses({ tally }: Outcome): string {
  return [...tally.statuses]
    .sort(([left], [right]) => left - right)
    .map(([status, count]) => `${status === 0 ? 'none' : status} ${count}`)
    .join(', ')
}

function describeRecovery({ recovery }: Outcome): string {
  return recovery === undefined ? 'did not recover' : `good again after ${recovery} ms`
}

import { parseArgs } from 'node:util'
import { startChild } from '../../gateway/local/stack/child.ts'
import { measure, type Measured } from './flood/measure.ts'
import { openLocalSystem } from './local-system.ts'
import { percentile, table } from './table.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:flood -- [--seconds N] [--rounds N] [--rate N] [--connections N] [--together]
                             [--tolerance X]

Starts the whole system on free ports with the limits of config/kong.yml. Two users of one
organisation make 18 calls a second; a user of another organisation floods the gateway, beyond what a
user may do (600 a minute). After a flood that is not counted, since programs that have just started
are slow, quiet and flood take turns in one run.

  --seconds N      length of a quiet phase, and of a flood (10; at most 60)
  --rounds N       how often both are measured (3; at most 5)
  --rate N         requests a second of the flood (200: twenty times the limit); 0 for as many as get
                   through, which on a laptop measures its processors: all parts share them, and Kong
                   is not among them
  --connections N  of the flood (10)
  --together       all connections send what is theirs of a second at the same moment; otherwise
                   their moments are spread over the second
  --tolerance X    largest ratio of the p99 in the flood to the quiet one (1.5)
  --help           print this, and end

Ends with 1 when the ratio is larger, when a call of the other organisation failed, or when the flood
was never answered 429: then no limit was met and nothing is proved. Nor is it when the quiet p99 is
above four times the quiet p50: then something else keeps this computer busy, and hides the flood.
`
/** Quiet p99 over quiet p50, beyond which there was no quiet. */
const noise = 4
const signal = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '200' },
      connections: { type: 'string', default: '10' },
      together: { type: 'boolean', default: false },
      tolerance: { type: 'string', default: '1.5' },
      help: { type: 'boolean', default: false },
    },
  })
  const tolerance = Number(values.tolerance)
  if (!(tolerance >= 1)) throw new TypeError('--tolerance must be a number from 1')
  return {
    help: values.help,
    together: values.together,
    seconds: wholeNumber('seconds', values.seconds, 2, 60),
    rounds: wholeNumber('rounds', values.rounds, 1, 5),
    rate: wholeNumber('rate', values.rate, 0, 100_000),
    connections: wholeNumber('connections', values.connections, 1, 1_000),
    tolerance,
  }
}

async function main({ tolerance, ...given }: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  report('Starting the system')
  const system = await openLocalSystem({ launch: startChild, limits: true, log_files: false })
  try {
    return conclude(await measure({ ...given, url: system.url, signal, report }), tolerance)
  } finally {
    await system.close()
  }
}

function conclude({ flooded, floods, quiet }: Measured, tolerance: number): boolean {
  const failures = [...quiet.failures, ...flooded.failures]
  const statuses = new Map<number, number>()
  for (const [status, count] of floods.flatMap(flood => [...flood.statuses]))
    statuses.set(status, (statuses.get(status) ?? 0) + count)
  const unanswered = floods.reduce((sum, flood) => sum + flood.unanswered, 0)
  const limited = statuses.get(429) ?? 0
  const row = (name: string, { durations }: typeof quiet) => [
    name,
    durations.length,
    ...[0.5, 0.99].map(share => percentile(durations, share).toFixed(1)),
  ]
  const ratioAt = (share: number) =>
    percentile(flooded.durations, share) / percentile(quiet.durations, share)
  const heading = ['the other organisation', 'calls', 'p50 ms', 'p99 ms']
  const ratios = ['flood / quiet', '', ratioAt(0.5).toFixed(2), ratioAt(0.99).toFixed(2)]
  process.stdout.write(
    table([heading, row('quiet', quiet), row('in the flood', flooded), ratios]) +
      `\nThe flood was answered: ${[...statuses].map(([status, count]) => `${status} ${count}`).join(', ')}, nothing ${unanswered}\n`,
  )
  const problems = [
    ...(limited === 0 ? ['no request of the flood was answered 429: no limit was met'] : []),
    ...(failures.length > 0
      ? [`${failures.length} calls of the other organisation failed: ${failures[0] ?? ''}`]
      : []),
    ...(percentile(quiet.durations, 0.99) > noise * percentile(quiet.durations, 0.5)
      ? ['it was not quiet without the flood either: run it again on a computer that is idle']
      : []),
    ...(ratioAt(0.99) > tolerance ? [`the ratio of the p99 is above ${tolerance}`] : []),
  ]
  process.stdout.write(problems.map(problem => `Not good: ${problem}\n`).join(''))
  return problems.length === 0
}

await runScript({ usage, options, main })

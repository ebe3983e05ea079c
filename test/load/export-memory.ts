import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../gateway/local/postgres.ts'
import { createParts } from '../../gateway/local/stack/parts.ts'
import { openDatabase } from '../../storage/database.ts'
import { migrate } from '../../storage/migrate.ts'
import { fillTrail } from './export/fill.ts'
import { openExports } from './export/open-exports.ts'
import { type ReadExport, readExport } from './export/read-export.ts'
import { table } from './table.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:export -- [--events N] [--ratio N] [--quick]

Writes N events of one organization, and a tenth as many of another, into a PostgreSQL of its own, and
exports those of the first through the console's own route: as JSON Lines, then as CSV.

  --events N   events to export (1000000; from 20000 to 20000000)
  --ratio N    percent that the memory at the end may be of that at a tenth (110)
  --quick      50000 events
  --help       print this, and end

Resident memory of the process that exports is read after a forced collection: when a tenth of the events
was read, in the middle after the reader took nothing for three seconds, and before the last is read.
Ends with 1 when a later one is larger than allowed, or when an event is missing, comes twice, or is
the other organization's. Takes about two minutes.
`
const pause = 3_000
const interrupted = new AbortController()
const report = (line: string) => void process.stderr.write(`${line}\n`)
const print = (text: string) => void process.stdout.write(text)

function options() {
  const { values } = parseArgs({
    options: {
      events: { type: 'string' },
      ratio: { type: 'string', default: '110' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const events = values.events ?? (values.quick ? '50000' : '1000000')
  return {
    help: values.help,
    events: wholeNumber('events', events, 20_000, 20_000_000),
    ratio: wholeNumber('ratio', values.ratio, 100, 1_000) / 100,
  }
}

interface Leg extends ReadExport {
  readonly format: string
  /** Resident bytes at a tenth, after the pause, and at the end. */
  readonly memory: readonly [number, number, number]
}

async function main({ events, ratio }: ReturnType<typeof options>): Promise<boolean> {
  const parts = createParts(report)
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      interrupted.abort(new Error('interrupted'))
      void parts.stop().then(() => process.exit(1))
    })
  try {
    const folder = await mkdtemp(join(tmpdir(), 'export-memory-'))
    await chmod(folder, 0o711) // when root runs this, PostgreSQL's account passes through it
    parts.add('folder', () => rm(folder, { recursive: true, force: true }))
    const postgres = await startPostgres({
      data_directory: join(folder, 'postgres'),
      settings: { fsync: 'off', synchronous_commit: 'off', max_wal_size: '4GB' },
    })
    parts.add('PostgreSQL', () => postgres.stop())
    const db = openDatabase(postgres.url, { max: 1, statement_timeout: 0 })
    await migrate(db)
    await fillTrail(db, events, report)
    await db.destroy()
    const exports = await openExports(postgres.url, report)
    parts.add('exports', () => exports.stop())
    const legs: Leg[] = []
    for (const format of ['jsonl', 'csv']) {
      report(`Exporting as ${format}`)
      const memory: number[] = []
      const look = async () => void memory.push(await exports.memory())
      const at = new Map([
        [Math.ceil(events / 10), look],
        [Math.ceil(events / 2), () => setTimeout(pause).then(look)],
        [events, look],
      ])
      const read = await readExport(`${exports.url}&format=${format}`, interrupted.signal, at)
      const [early = NaN, paused = NaN, late = NaN] = memory
      legs.push({ ...read, format, memory: [early, paused, late] })
    }
    return conclude(legs, events, ratio)
  } finally {
    await parts.stop()
  }
}

function conclude(legs: readonly Leg[], expected: number, allowed: number): boolean {
  const mega = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
  const grown = ({ memory: [early, ...later] }: Leg) => Math.max(...later) / early
  const heading = [
    'format',
    'events',
    'seconds',
    'MB',
    'MB at 10%',
    'paused',
    'at the end',
    'ratio',
  ]
  const rows = legs.map(leg => [
    ...[leg.format, leg.events, leg.seconds.toFixed(1), mega(leg.bytes)],
    ...[...leg.memory.map(mega), grown(leg).toFixed(2)],
  ])
  print(table([heading, ...rows]))
  const problems = legs.flatMap(leg => [
    ...(grown(leg) <= allowed
      ? []
      : [
          `${leg.format}: memory grew to ${grown(leg).toFixed(2)} times, and ${allowed} is allowed`,
        ]),
    ...(leg.events === expected ? [] : [`${leg.format}: ${leg.events} of ${expected} events came`]),
    ...(leg.wrong === 0 ? [] : [`${leg.format}: ${leg.wrong} events came twice or are another's`]),
  ])
  print(problems.map(problem => `Not good: ${problem}\n`).join(''))
  return problems.length === 0
}

try {
  const given = options()
  if (given.help) print(usage)
  else process.exitCode = (await main(given)) ? 0 : 1
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  if (error instanceof TypeError) process.stderr.write(`\n${usage}`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}

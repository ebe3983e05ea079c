import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { createParts } from '../../gateway/local/stack/parts.ts'
import { countActiveConnections } from '../../storage/connections.ts'
import type { Database } from '../../storage/database.ts'
import { testRing } from '../support/key-ring.ts'
import { openFilledDatabases } from './connections-scale/databases.ts'
import { type Filled, measure, type Times, type WorkName } from './connections-scale/measure.ts'
import { type Plan, plansOf, scanned } from './connections-scale/plans.ts'
import { percentile, table } from './table.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:connections -- [--connections N] [--quick] [--plans]

Fills one database with 1,000 connections and another with N, each connection with its grant and its
refresh token, in a PostgreSQL of its own, and times what the gateway does with one of them in both,
taking turns:

  validate   find a connection that the cache does not know
  refresh    all that a refresh reads and writes
  revoke     end a connection, with all that was issued under it

  --connections N  connections of the large database (1000000; from 2000 to 10000000)
  --ratio N        percent that a median or p99 of the large one may be of the small one's (150)
  --quick          20000 connections and fewer rounds
  --plans          print how PostgreSQL runs each statement
  --help           print this, and end

PostgreSQL does not wait for the disk, which would take as long for the small database and hide the
difference. Ends with 1 when a ratio is larger, or when a statement reads a table from end to end. Takes
about six minutes and 4 GB of disk for a million.
`
const few = 1_000
const real = 2_000

function options() {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string' },
      ratio: { type: 'string', default: '150' },
      quick: { type: 'boolean', default: false },
      plans: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { quick, plans, help } = values
  const connections = values.connections ?? (quick ? '20000' : '1000000')
  return {
    ...{ quick, plans, help },
    connections: wholeNumber('connections', connections, real, 10_000_000),
    ratio: wholeNumber('ratio', values.ratio, 100, 10_000) / 100,
  }
}

const report = (line: string) => void process.stderr.write(`${line}\n`)
const print = (text: string) => void process.stdout.write(`${text}\n`)

async function main({ connections, quick, plans, ratio }: ReturnType<typeof options>) {
  const parts = createParts(report)
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => void parts.stop().then(() => process.exit(1)))
  try {
    const ring = testRing('scale')
    const sizes = [few, connections]
    const databases = await openFilledDatabases({ sizes, real, ring, parts, report })
    const [, large] = databases
    if (large === undefined) throw new Error('there is no large database')
    await sql`checkpoint`.execute(large.store.db)

    report('Measuring')
    const rounds = quick
      ? { validate: 1_000, refresh: 500, revoke: 400 }
      : { validate: 3_000, refresh: 1_500, revoke: 800 }
    const slow = printTimes(await measure(databases, rounds), connections, ratio)
    await printSizes(large.store.db, connections)
    await printCount(large)
    const last = large.real.at(-1)
    if (last === undefined) throw new Error('no connection is real')
    const scans = printPlans(await plansOf(large.url, ring, last), plans)
    return !slow && !scans
  } finally {
    await parts.stop()
  }
}

/** Whether anything is slower than allowed. */
function printTimes(times: Times, connections: number, allowed: number): boolean {
  const rows = (Object.keys(times) as WorkName[]).flatMap(name =>
    [0.5, 0.99].map(share => {
      const [small = NaN, large = NaN] = times[name].map(each => percentile(each, share))
      return { name, share, small, large, ratio: large / small }
    }),
  )
  const heading = ['', '', `${few} ms`, `${connections} ms`, 'ratio']
  const lines = rows.map(({ name, share, small, large, ratio }) => [
    ...[name, share === 0.5 ? 'median' : 'p99', small.toFixed(2), large.toFixed(2)],
    ratio.toFixed(2),
  ])
  print(table([heading, ...lines]))
  const slow = rows.filter(({ ratio }) => !(ratio <= allowed))
  for (const { name, ratio } of slow)
    print(`Not good: ${name} takes ${ratio.toFixed(2)} times as long, and ${allowed} is allowed`)
  return slow.length > 0
}

async function printSizes(db: Database, connections: number): Promise<void> {
  const { rows } = await sql<{ name: string; rows: number; bytes: number; indexes: number }>`
    select relname as name, reltuples::bigint as rows, pg_total_relation_size(oid) as bytes,
      pg_indexes_size(oid) as indexes
    from pg_class where relname in ('connections', 'oidc_records') order by 1`.execute(db)
  const mega = (bytes: number) => Math.round(bytes / 1_000_000)
  print(
    table([
      ['table', 'rows', 'MB', 'of it indexes', 'bytes for one connection'],
      ...rows.map(({ name, rows, bytes, indexes }) => [
        ...[name, rows, mega(bytes), mega(indexes)],
        Math.round(bytes / connections),
      ]),
    ]),
  )
}

async function printCount({ store }: Filled): Promise<void> {
  const times: number[] = []
  let active = 0
  for (let n = 0; n < 5; n++) {
    const began = performance.now()
    active = await countActiveConnections(store)
    times.push(performance.now() - began)
  }
  print(`Counting ${active} active connections takes ${percentile(times, 0.5).toFixed(0)} ms.\n`)
}

/** Whether any of them reads a table from end to end. */
function printPlans(plans: readonly Plan[], all: boolean): boolean {
  const bad = plans.filter(scanned)
  for (const { name, query, plan } of all ? plans : bad)
    print(`${name}: ${query.slice(0, 160)}\n${plan}\n`)
  for (const { name } of bad) print(`Not good: ${name} reads a table from end to end`)
  if (bad.length === 0) print(`None of ${plans.length} statements reads a table from end to end.`)
  return bad.length > 0
}

try {
  const given = options()
  if (given.help) process.stdout.write(usage)
  else process.exitCode = (await main(given)) ? 0 : 1
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  if (error instanceof TypeError) process.stderr.write(`\n${usage}`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}

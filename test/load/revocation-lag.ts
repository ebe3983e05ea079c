import { parseArgs } from 'node:util'
import { lag_goals, type Lags, measureLags } from './revocation/measure.ts'
import { runScript } from './run-script.ts'
import { percentile, table } from './table.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:revocation -- [--connections N] [--replicas N] [--cut N]

Starts gateways with a plugin server each on one database, has all of them know every connection, ends
one connection after the other, and times how long each gateway still lets its token in. Then the same
with the sessions in which the plugin servers listen cut off without a word.

  --connections N  ended while they listen (1000; from 10 to 10000)
  --replicas N     gateways (3; from 1 to 5)
  --cut N          ended while they do not (20; from 0 to 200), all at once
  --help           print this, and end

Ends with 1 when the p99 is above 100 ms, or one of the cut off ones above 5 s.
`

function options() {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '1000' },
      replicas: { type: 'string', default: '3' },
      cut: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    connections: wholeNumber('connections', values.connections, 10, 10_000),
    replicas: wholeNumber('replicas', values.replicas, 1, 5),
    cut: wholeNumber('cut', values.cut, 0, 200),
  }
}

async function main({ connections, replicas, cut }: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  return conclude(await measureLags({ connections, replicas, cut, report }))
}

function conclude({ cut_off, listening }: Lags): boolean {
  const row = (name: string, values: readonly number[]) => [
    name,
    values.length,
    ...[0.5, 0.99, 1].map(share => percentile(values, share).toFixed(1)),
  ]
  const heading = ['', 'measured', 'p50 ms', 'p99 ms', 'largest ms']
  const rows = [
    row('they listen', listening),
    ...(cut_off.length > 0 ? [row('cut off', cut_off)] : []),
  ]
  process.stdout.write(table([heading, ...rows]))
  const good =
    percentile(listening, 0.99) <= lag_goals.listening &&
    cut_off.every(lag => lag <= lag_goals.cut_off)
  if (!good)
    process.stdout.write(
      `Not good: the goals are ${lag_goals.listening} ms and ${lag_goals.cut_off} ms\n`,
    )
  return good
}

await runScript({ usage, options, main })

import { parseArgs } from 'node:util'
import { startChild } from '../../gateway/local/stack/child.ts'
import { openStreamingUpstream } from '../support/streaming-upstream.ts'
import { openLocalSystem } from './local-system.ts'
import { holdSilent, type Outcome } from './silent-call/hold.ts'
import { table } from './table.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:silent -- [--minutes N] [--every N] [--late N]

Starts the whole system on free ports with config/kong.yml, and in the place of the MCP server one that
streams. A call opens a stream of events, hears nothing for ten minutes, and then an answer: that must
arrive. Meanwhile other streams are opened, timed from the upstream's byte to the client's, and left by
their clients: the upstream must learn of it.

  --minutes N      length of the silence (10; at most 59: the read_timeout of config/kong.yml is 60)
  --every N        seconds from one of the other streams to the next (10)
  --late N         milliseconds that a byte may take through the gateway (200)
  --help           print this, and end

Ends with 1 when the silent call got another answer than the one it was sent, when a byte was later, or
when a client's leaving did not reach the upstream within five seconds.
`

const signal = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      every: { type: 'string', default: '10' },
      late: { type: 'string', default: '200' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    minutes: wholeNumber('minutes', values.minutes, 1, 59),
    every: wholeNumber('every', values.every, 1, 600),
    late: wholeNumber('late', values.late, 1, 10_000),
  }
}

async function main({ every, late, minutes }: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  report('Starting the system')
  const upstream = await openStreamingUpstream()
  const upstream_url = `http://127.0.0.1:${upstream.port}`
  const system = await openLocalSystem({
    ...{ launch: startChild, limits: true, log_files: false, upstream_url },
  }).catch((error: unknown) => {
    upstream.close()
    throw error
  })
  try {
    const silence = minutes * 60_000
    const outcome = await holdSilent(
      { url: system.url, upstream, signal, report },
      { silence, every: every * 1000 },
    )
    return conclude(outcome, late)
  } finally {
    upstream.close()
    await system.close()
  }
}

function conclude({ answered, problem, silent_for, streams }: Outcome, late: number): boolean {
  const row = (name: string, times: readonly number[]) => [
    name,
    times.length,
    ...[Math.min(...times), Math.max(...times)].map(time => time.toFixed(1)),
  ]
  process.stdout.write(
    `The silent call was silent for ${(silent_for / 1000).toFixed(1)} s and got ${answered ? 'its answer' : 'no answer'}.\n\n` +
      table([
        ['from upstream to client', 'times', 'least ms', 'most ms'],
        row('headers of the answer', streams.headers),
        row('first event', streams.events),
        row('client gone (the other way)', streams.aborts),
      ]),
  )
  const slowest = Math.max(...streams.headers, ...streams.events)
  const problems = [
    ...(answered ? [] : [problem ?? 'the silent call got another answer than it was sent']),
    ...(slowest > late ? [`a byte took ${slowest.toFixed(1)} ms, and ${late} are allowed`] : []),
  ]
  process.stdout.write(problems.map(each => `Not good: ${each}\n`).join(''))
  return problems.length === 0
}

await runScript({ usage, options, main })

import { parseArgs } from 'node:util'
import { signInAs } from './access-token.ts'
import { openLocalSystem } from './local-system.ts'
import { type Leg, runLeg } from './refusals/leg.ts'
import { startMeasured } from './refusals/measured-child.ts'
import { throughGateway, throughPluginServer } from './refusals/refuse.ts'
import { table } from './table.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:refusals -- [--requests N] [--through-gateway N]

Starts the whole system on free ports, without its rate limits, and has requests refused: no token,
nonsense, tokens never seen before, signatures that are wrong.

  --requests N         through the plugin server, as Kong asks it (1000000)
  --through-gateway N  through the whole local gateway before that (a twentieth of the others)
  --help               print this, and end

Resident memory of every process is read after a forced collection, when a tenth of the requests are
done and when all are. Ends with 1 when the latter is more than 1.1 times the former. With fewer than
a hundred thousand requests the first reading is of a process that still warms up.
`
const allowed = 1.1
const at_once = 16
const signal = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '1000000' },
      'through-gateway': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const requests = wholeNumber('requests', values.requests, 1_000, 10_000_000)
  const through_gateway = wholeNumber(
    'through-gateway',
    values['through-gateway'] ?? String(Math.max(1_000, Math.ceil(requests / 20))),
    1_000,
    10_000_000,
  )
  return { help: values.help, requests, through_gateway }
}

async function main(given: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  report('Starting the system')
  const system = await openLocalSystem({ launch: startMeasured, limits: false, log_files: false })
  try {
    // What is refused later is refused by a system that lets others in.
    await signInAs(system.url, 'alice@acme.example')
    const common = { at_once, signal, report }
    const gateway = throughGateway(system, at_once)
    const legs = [
      await runLeg(system, gateway, {
        ...{ ...common, name: 'through the gateway', requests: given.through_gateway },
      }),
    ]
    gateway.close()
    const plugin_server = await throughPluginServer(system)
    legs.push(
      await runLeg(system, plugin_server, {
        ...{ ...common, name: 'through the plugin server', requests: given.requests },
      }),
    )
    plugin_server.close()
    await signInAs(system.url, 'alice@acme.example')
    return conclude(legs)
  } finally {
    await system.close()
  }
}

function conclude(legs: readonly Leg[]): boolean {
  const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)
  const rows = legs.flatMap(({ memory, name, requests, seconds }) =>
    memory.map(({ early, late, part }) => [
      ...[name, requests, Math.round(requests / seconds), part],
      ...[megabytes(early), megabytes(late), (late / early).toFixed(3)],
    ]),
  )
  const heading = [
    'refused requests',
    'number',
    'per second',
    'process',
    'MB at 10 %',
    'MB at 100 %',
  ]
  process.stdout.write(table([[...heading, 'ratio'], ...rows]))
  const grown = legs
    .flatMap(({ memory }) => memory)
    .filter(({ early, late }) => late / early > allowed)
  process.stdout.write(
    grown.length === 0
      ? `\nFlat: no ratio is above ${allowed}\n`
      : `\nNot good: ${grown.length} ratios are above ${allowed}\n`,
  )
  return grown.length === 0
}

await runScript({ usage, options, main })

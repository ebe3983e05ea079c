import { parseArgs } from 'node:util'
import { startChild } from '../../../gateway/local/stack/child.ts'
import { openLocalSystem } from '../local-system.ts'
import { runScript, untilInterrupted } from '../run-script.ts'
import { wholeNumber } from '../whole-number.ts'
import type { Relays } from './faults.ts'
import { type FaultyRelay, openFaultyRelay } from './faulty-relay.ts'
import { runChaos } from './run.ts'

const usage = `Usage: npm run chaos -- [--seconds N] [--at-once N] [--only TEXT]

Starts the whole system on free ports of this computer and, under load, breaks one part after the
other and mends it: the plugin server, the plugin, PostgreSQL, the MCP server. The load is requests
with good tokens of two users, with none and with bad ones, all with forged identity headers. The
rate limits are left out, for they would stop the load.

  --seconds N   how long each fault lasts (4; at most 60); those of the plugin's database last five
                seconds longer, for so long connections are trusted without it
  --at-once N   requests on their way at any time (16)
  --only TEXT   only the faults whose name contains it
  --help        print this, and end

Progress is on standard error, the summary on standard output. Ends with 1 when a tool ran that
should not have, when an answer was for another person than the token, when the audit trail does not
agree, or when the system did not recover.
`
const signal = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '4' },
      'at-once': { type: 'string', default: '16' },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    seconds: wholeNumber('seconds', values.seconds, 1, 60),
    at_once: wholeNumber('at-once', values['at-once'], 1, 256),
    only: values.only,
  }
}

async function main({ at_once, only, seconds }: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  report('Starting the system')
  let relays: Relays | undefined
  const system = await openLocalSystem({
    launch: startChild,
    limits: false,
    log_files: true,
    async databases(url) {
      const { port } = new URL(url)
      const plugin = await openFaultyRelay(Number(port))
      const mcp_server = await openFaultyRelay(Number(port))
      relays = { plugin, mcp_server }
      return { plugin: through(plugin, url), mcp_server: through(mcp_server, url) }
    },
  })
  let ok = false
  try {
    if (!relays) throw new Error('nothing stands before the database')
    const { summary, sound } = await runChaos(system, relays, {
      ...{ at_once, only, duration: seconds * 1000, signal, report },
    })
    process.stdout.write(summary)
    ok = sound
    return sound
  } finally {
    await system.close({ keep: !ok })
    await Promise.all([relays?.plugin.close(), relays?.mcp_server.close()])
    if (!ok) report(`The logs are in ${system.folder}`)
  }
}

function through({ port }: FaultyRelay, database_url: string): string {
  const url = new URL(database_url)
  url.port = String(port)
  return url.href
}

await runScript({ usage, options, main })

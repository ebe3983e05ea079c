import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startChild } from '../../gateway/local/stack/child.ts'
import { createParts } from '../../gateway/local/stack/parts.ts'
import { copyWithoutCommit } from './audit-chaos/copy-without-commit.ts'
import { least_in_flight, runAuditChaos } from './audit-chaos/run.ts'
import { openLocalSystem } from './local-system.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run chaos:audit -- [--kills N] [--at-once N] [--only TEXT] [--without-commit]
                              [--without-flush]

Kills the MCP server, the plugin server's primary, one of its workers and PostgreSQL (kill -9) again
and again while tools are called through the gateway, half of which write. Afterwards every result
that a client got must be in the audit trail, everything that was written must have its "started",
and every call must have been answered or broken off. Each kill comes when at least ten calls are in
flight, as their callers count.

  --kills N         how often each of them (50)
  --at-once N       calls under way at any time (32)
  --only TEXT       only those whose name contains it
  --without-commit  with a copy of the code that does not wait for PostgreSQL; has to end with 1
  --without-flush   with a PostgreSQL that commits before it has written to the disk
                    (synchronous_commit = off); has to end with 1 when that is killed
  --help            print this, and end

Ends with 1 when a result has no event, a write no "started", or a call no end.
`
const signal = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '50' },
      'at-once': { type: 'string', default: '32' },
      only: { type: 'string', default: '' },
      'without-commit': { type: 'boolean', default: false },
      'without-flush': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    kills: wholeNumber('kills', values.kills, 1, 10_000),
    at_once: wholeNumber('at-once', values['at-once'], least_in_flight, 256),
    only: values.only,
    without_commit: values['without-commit'],
    without_flush: values['without-flush'],
  }
}

async function main(given: ReturnType<typeof options>): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  const parts = createParts(report)
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-chaos-'))
    parts.add('copy', () => rm(folder, { recursive: true, force: true }))
    const system = await openLocalSystem({
      ...{ launch: startChild, limits: false, log_files: false },
      ...(given.without_commit && { mcp_server_program: await copyWithoutCommit(folder) }),
      ...(given.without_flush && { database_settings: { synchronous_commit: 'off' } }),
    })
    parts.add('system', () => system.close())
    const { text, sound } = await runAuditChaos(system, { ...given, signal, report })
    process.stdout.write(text)
    return sound
  } finally {
    await parts.stop()
  }
}

await runScript({ usage, options, main })

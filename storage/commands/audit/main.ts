import { once } from 'node:events'
import { audit_outcomes, audit_types } from '../../audit-event.ts'
import type { AuditFilter } from '../../audit-filter.ts'
import { csv, formatted, jsonl } from '../../audit-format.ts'
import { exportAuditPages } from '../../export-audit-events.ts'
import { openDatabaseOf, readEnvFile, UsageError } from '../command-store.ts'
import { runOperatorCommand, type ValuesOf } from '../operator-command.ts'

const usage = `Exports the audit trail, oldest first. docs/audit.md says what the fields are.

  npm run --silent audit -- export [which] [--format jsonl|csv]

Which (all that is named must hold; everything when nothing is):
  --org ORG           an organization
  --user USER         a user id (usr_…) or an email
  --client CLIENT     an AI client's id
  --connection ID     one connection (con_…)
  --tool TOOL         a tool
  --type TYPE         ${audit_types.join(', ')}
  --outcome OUTCOME   ${audit_outcomes.join(', ')}
  --since TIME        from then on: 2026-11-01, or 2026-11-01T09:30:00Z; UTC unless it says otherwise
  --until TIME        before then

  --format FORMAT     jsonl: one JSON object a line, the default; csv: with a heading
  --env F             reads the environment from a file; npm start writes .data/kong.env
  --help              this text

Reads a page at a time, so any number of events will do. Exits 0 when all are written, 1 when it
failed in the middle, 2 when it was called wrongly.

Environment:
  DATABASE_URL   PostgreSQL, postgresql://user:password@host:port/database`

const options = {
  org: { type: 'string' },
  user: { type: 'string' },
  client: { type: 'string' },
  connection: { type: 'string' },
  tool: { type: 'string' },
  type: { type: 'string' },
  outcome: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  format: { type: 'string', default: 'jsonl' },
  env: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

async function run(_command: 'export', values: ValuesOf<typeof options>): Promise<number> {
  const format = oneOf('format', values.format, ['jsonl', 'csv']) === 'csv' ? csv : jsonl
  const filter = filterOf(values)
  readEnvFile(values.env)
  const db = openDatabaseOf(process.env)
  try {
    for await (const text of formatted(format, exportAuditPages(db, filter))) await print(text)
    return 0
  } finally {
    await db.destroy()
  }
}

function filterOf(values: ValuesOf<typeof options>): AuditFilter {
  for (const [name, value] of Object.entries(values))
    if (value === '') throw new UsageError(`--${name} is empty.`)
  const { org, user, client, connection, tool, type, outcome, since, until } = values
  return {
    ...(org === undefined ? {} : { org_id: org }),
    ...(user === undefined ? {} : user.includes('@') ? { email: user } : { user_id: user }),
    ...(client === undefined ? {} : { client_id: client }),
    ...(connection === undefined ? {} : { connection_id: connection }),
    ...(tool === undefined ? {} : { tool }),
    ...(type === undefined ? {} : { type: oneOf('type', type, audit_types) }),
    ...(outcome === undefined ? {} : { outcome: oneOf('outcome', outcome, audit_outcomes) }),
    ...(since === undefined ? {} : { since: time('since', since) }),
    ...(until === undefined ? {} : { until: time('until', until) }),
  }
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find(each => each === value)
  if (found === undefined)
    throw new UsageError(`--${name} ${value} is none of ${known.join(', ')}.`)
  return found
}

/** ISO 8601. Without an offset it is UTC, wherever the command runs. */
function time(name: string, value: string): Date {
  const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(value)
  const date = new Date(shape?.[1] !== undefined && shape[4] === undefined ? `${value}Z` : value)
  if (!shape || Number.isNaN(date.getTime()))
    throw new UsageError(`--${name} ${value} is not a time such as 2026-11-01T09:30:00Z.`)
  return date
}

/** At the pace at which it is read. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

// Whoever reads has had enough: head, say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})
await runOperatorCommand({
  usage,
  options,
  commands: ['export'],
  run,
  after_failure: 'What was written until then is a part of the events only.',
})

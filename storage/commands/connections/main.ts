import type { ConnectionSelector } from '../../end-connections.ts'
import { environment_help, openStore, readEnvFile, UsageError } from '../command-store.ts'
import { runOperatorCommand, type ValuesOf } from '../operator-command.ts'
import { printConnections } from './print.ts'
import { revoke } from './revoke.ts'

const usage = `Shows and ends what users have granted to AI clients.

  npm run connections -- list   [which] [--ended] [--json]
  npm run connections -- revoke which [--reason TEXT] [--yes] [--json]

Which (all that is named must hold):
  --user USER         a user id (usr_…) or an email
  --org ORG           an organization
  --client CLIENT     an AI client's id
  --connection ID     one connection (con_…)
  --idp IDP           an identity provider's id

  list shows all of them when nothing is named; revoke asks for a name at least.

  --ended             list those that are over, too
  --reason TEXT       recorded in the audit trail beside the reason "operator"
  --yes               do not ask before more than one connection is ended
  --json              one JSON object a line
  --help              this text

Revoking by user also signs the user out of this gateway in every browser. The ends are felt at once
wherever the gateway runs. Exits 0 when done, 1 when it failed or there was nothing to revoke, 2 when
it was called wrongly.

${environment_help}`

const options = {
  user: { type: 'string' },
  org: { type: 'string' },
  client: { type: 'string' },
  connection: { type: 'string' },
  idp: { type: 'string' },
  ended: { type: 'boolean', default: false },
  reason: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  env: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

async function run(command: 'list' | 'revoke', values: ValuesOf<typeof options>): Promise<number> {
  const selector = selectorOf(values)
  if (command === 'revoke' && selector === undefined)
    throw new UsageError(
      'Say whose connections to revoke: --user, --org, --client, --connection or --idp.',
    )
  readEnvFile(values.env)
  const store = openStore(process.env)
  try {
    const { json, ended, yes, reason } = values
    if (command === 'list' || selector === undefined) {
      await printConnections(store, { selector, ended }, json)
      return 0
    }
    return await revoke(store, { selector, json, yes, reason })
  } finally {
    await store.close()
  }
}

function selectorOf({
  user,
  org,
  client,
  connection,
  idp,
}: ValuesOf<typeof options>): ConnectionSelector | undefined {
  for (const [name, value] of Object.entries({ user, org, client, connection, idp }))
    if (value === '') throw new UsageError(`--${name} is empty.`)
  const selector = {
    ...(user === undefined ? {} : user.includes('@') ? { email: user } : { user_id: user }),
    ...(org === undefined ? {} : { org_id: org }),
    ...(client === undefined ? {} : { client_id: client }),
    ...(connection === undefined ? {} : { id: connection }),
    ...(idp === undefined ? {} : { idp_id: idp }),
  }
  return Object.keys(selector).length === 0 ? undefined : selector
}

await runOperatorCommand({
  usage,
  options,
  commands: ['list', 'revoke'],
  run,
  after_failure: 'What was reported as ended has ended, and nothing else.',
})

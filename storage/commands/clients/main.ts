import { decideOrgClient } from '../../decide-org-client.ts'
import { type ListedOrgClient, listOrgClients } from '../../org-clients.ts'
import { countConnections } from '../../list-connections.ts'
import { confirmed } from '../confirm.ts'
import { environment_help, openStore, readEnvFile, UsageError } from '../command-store.ts'
import { runOperatorCommand, type ValuesOf } from '../operator-command.ts'

const usage = `Shows the AI clients that an organization was asked about, and decides.

  npm run clients -- list    [--org ORG] [--json]
  npm run clients -- approve --org ORG --client CLIENT [--reason TEXT] [--json]
  npm run clients -- refuse  --org ORG --client CLIENT [--reason TEXT] [--json]
  npm run clients -- block   --org ORG --client CLIENT [--reason TEXT] [--yes] [--json]

  approve             people of the organization may connect it
  refuse              nobody connects it any more; its connections go on
  block               nobody connects it any more, and its connections end

  --org ORG           the organization
  --client CLIENT     the AI client's id
  --reason TEXT       recorded in the audit trail beside the reason "operator"
  --yes               do not ask before more than one connection is ended
  --json              one JSON object a line
  --help              this text

A decision counts whatever org_policies says of unknown clients. Exits 0 when done, 1 when it failed,
2 when it was called wrongly.

${environment_help}`

const statuses = { approve: 'approved', refuse: 'refused', block: 'blocked' } as const

const options = {
  org: { type: 'string' },
  client: { type: 'string' },
  reason: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  env: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

async function run(
  command: 'list' | 'approve' | 'refuse' | 'block',
  values: ValuesOf<typeof options>,
): Promise<number> {
  for (const name of ['org', 'client'] as const)
    if (values[name] === '') throw new UsageError(`--${name} is empty.`)
  const { org: org_id, client: client_id, reason, json, yes } = values
  if (command !== 'list' && (org_id === undefined || client_id === undefined))
    throw new UsageError(`Say which client to ${command} for whom: --org and --client.`)
  readEnvFile(values.env)
  const store = openStore(process.env)
  try {
    if (command === 'list' || org_id === undefined || client_id === undefined) {
      const clients = await listOrgClients(store.db, { org_id })
      for (const client of clients) print(client, json)
      if (!json)
        console.error(clients.length === 0 ? 'There are none.' : `${clients.length} clients.`)
      return 0
    }
    const client = { org_id, client_id }
    if (command === 'block') {
      const count = await countConnections(store, { selector: client, ended: false })
      if (!(await confirmed(`end ${count} connections`, count, yes))) {
        console.error('Nothing was decided.')
        return 1
      }
    }
    const status = statuses[command]
    const ended = await decideOrgClient(store, client, { status, decided_by: 'operator', reason })
    console.log(
      json
        ? JSON.stringify({ ...client, status, ended })
        : plain(`${status} ${client_id} for ${org_id}; ${ended} connections were ended`),
    )
    return 0
  } finally {
    await store.close()
  }
}

function print(client: ListedOrgClient, json: boolean): void {
  const { status, org_id, client_id, client_name, asked_by, asked_at, decided_by } = client
  const asked = asked_at
    ? `asked ${asked_at.toISOString()} by ${asked_by.join(' ')}`
    : 'not asked for'
  const decided = decided_by === undefined ? '' : `decided by ${decided_by}`
  const line = [status, org_id, client_id, client_name ?? '-', asked, decided].join('  ').trimEnd()
  console.log(json ? JSON.stringify(client) : plain(line))
}

/** Nothing that a client chose to call itself moves the cursor or starts a line. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7E]/g, '?')
}

await runOperatorCommand({
  usage,
  options,
  commands: ['list', 'approve', 'refuse', 'block'],
  run,
})

import {
  type Approval,
  type ApprovalSelector,
  forgetApprovals,
  listApprovals,
} from '../../approvals.ts'
import { recordAuditEvent } from '../../audit.ts'
import { findUsers } from '../../end-connections.ts'
import type { Store } from '../../store.ts'
import { confirmed } from '../confirm.ts'
import { environment_help, openStore, readEnvFile, UsageError } from '../command-store.ts'
import { runOperatorCommand, type ValuesOf } from '../operator-command.ts'

const usage = `Shows and forgets what users have approved, and need not be asked again.

  npm run approvals -- list   [which] [--json]
  npm run approvals -- forget which [--reason TEXT] [--yes] [--json]

Which (all that is named must hold):
  --user USER         a user id (usr_…) or an email
  --org ORG           an organization
  --client CLIENT     an AI client's id

  list shows the newest thousand of them; forget asks for a name at least.

  --reason TEXT       recorded in the audit trail beside the reason "operator"
  --yes               do not ask before more than one approval is forgotten
  --json              one JSON object a line
  --help              this text

A user whose approval is forgotten sees the consent page the next time. Connections go on: to end
them too, npm run connections -- revoke. Exits 0 when done, 1 when it failed or there was nothing to
forget, 2 when it was called wrongly.

${environment_help}`

const options = {
  user: { type: 'string' },
  org: { type: 'string' },
  client: { type: 'string' },
  reason: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  env: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

async function run(command: 'list' | 'forget', values: ValuesOf<typeof options>): Promise<number> {
  for (const name of ['user', 'org', 'client'] as const)
    if (values[name] === '') throw new UsageError(`--${name} is empty.`)
  if (command === 'forget' && [values.user, values.org, values.client].every(one => !one))
    throw new UsageError('Say whose approvals to forget: --user, --org or --client.')
  readEnvFile(values.env)
  const store = openStore(process.env)
  try {
    const selectors = await selectorsOf(store, values)
    const found = (
      await Promise.all(selectors.map(selector => listApprovals(store.db, selector)))
    ).flat()
    if (command === 'list') {
      for (const approval of found) print(approval, values.json)
      if (!values.json)
        console.error(found.length === 0 ? 'There are none.' : `${found.length} approvals.`)
      return 0
    }
    if (found.length === 0) {
      console.error('No approval is like that, so nothing was forgotten.')
      return 1
    }
    if (!(await confirmed(`forget ${found.length} approvals`, found.length, values.yes))) {
      console.error('Nothing was forgotten.')
      return 1
    }
    for (const selector of selectors)
      if (selector !== undefined) await forget(store, selector, values)
    return 0
  } finally {
    await store.close()
  }
}

/** Nothing is forgotten off the record. */
async function forget(
  store: Store,
  selector: ApprovalSelector,
  { reason, json }: { readonly reason?: string | undefined; readonly json: boolean },
): Promise<void> {
  const forgotten = await store.db.transaction().execute(async db => {
    const gone = await forgetApprovals(db, selector)
    for (const { user_id, org_id, client_id } of gone)
      await recordAuditEvent(db, {
        type: 'revocation',
        outcome: 'ok',
        ...{ user_id, org_id, client_id },
        reason: `approval forgotten, operator${reason === undefined ? '' : `: ${reason}`}`,
      })
    return gone
  })
  for (const approval of forgotten) print(approval, json)
}

/** An email is that of the users who have connections with it; without any, it is nobody's. */
async function selectorsOf(
  store: Store,
  { user, org, client }: ValuesOf<typeof options>,
): Promise<readonly (ApprovalSelector | undefined)[]> {
  const rest = {
    ...(org === undefined ? {} : { org_id: org }),
    ...(client === undefined ? {} : { client_id: client }),
  }
  if (user === undefined) return [Object.keys(rest).length === 0 ? undefined : rest]
  const users = user.includes('@') ? await findUsers(store, { email: user }) : [user]
  return users.map(user_id => ({ ...rest, user_id }))
}

/** Nothing that a client chose to call itself moves the cursor or starts a line. */
function print(approval: Approval, json: boolean): void {
  const { user_id, org_id, client_id, redirect, scopes, skips_consent, last_used_at } = approval
  const line = [
    user_id,
    org_id,
    client_id,
    redirect,
    scopes.join(' '),
    skips_consent ? 'not asked again' : 'asked',
    last_used_at.toISOString(),
  ]
  console.log(json ? JSON.stringify(approval) : line.join('  ').replaceAll(/[^\x20-\x7E]/g, '?'))
}

await runOperatorCommand({
  usage,
  options,
  commands: ['list', 'forget'],
  run,
})

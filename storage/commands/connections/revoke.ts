import { type ConnectionSelector, endBrowserSessions, findUsers } from '../../end-connections.ts'
import { countConnections } from '../../list-connections.ts'
import { revokeConnections } from '../../revoke-connections.ts'
import type { Store } from '../../store.ts'
import { confirmed } from '../confirm.ts'

export interface RevokeCommand {
  readonly selector: ConnectionSelector
  readonly reason: string | undefined
  readonly yes: boolean
  readonly json: boolean
}

/** Gives the exit code. What it has reported as ended has ended, also when it fails afterwards. */
export async function revoke(store: Store, command: RevokeCommand): Promise<number> {
  const { selector, json, reason } = command
  const count = await countConnections(store, { selector, ended: false })
  const by_user = selector.user_id !== undefined || selector.email !== undefined
  const users = by_user ? await findUsers(store, selector) : []
  if (count === 0 && users.length === 0) {
    console.error('No connection is like that, so nothing was ended.')
    return 1
  }
  if (!(await confirmed(`end ${count} connections`, count, command.yes))) {
    console.error('Nothing was ended.')
    return 1
  }
  let ended = 0
  const revocation = { selector, by: { kind: 'operator' }, detail: reason } as const
  for await (const batch of revokeConnections(store, revocation)) {
    ended += batch.length
    for (const connection of batch)
      console.log(json ? JSON.stringify(connection) : `ended ${connection.id}`)
    if (count > batch.length) console.error(`${ended} of ${count}`)
  }
  let sessions = 0
  for (const user_id of users) sessions += await endBrowserSessions(store, user_id)
  if (!json) console.error(`${ended} connections and ${sessions} browser sessions were ended.`)
  return 0
}

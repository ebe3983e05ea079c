import { type AuditEvent, recordAuditEvent } from '../../audit.ts'
import {
  type ConnectionSelector,
  endBrowserSessions,
  endConnections,
  type EndedConnection,
  findUsers,
} from '../../end-connections.ts'
import { countConnections } from '../../list-connections.ts'
import type { Store } from '../../store.ts'
import { confirmed } from '../confirm.ts'

export interface Revocation {
  readonly selector: ConnectionSelector
  readonly reason: string | undefined
  readonly yes: boolean
  readonly json: boolean
}

/** Gives the exit code. What it has reported as ended has ended, also when it fails afterwards. */
export async function revokeConnections(store: Store, revocation: Revocation): Promise<number> {
  const { selector, json } = revocation
  const count = await countConnections(store, { selector, ended: false })
  const by_user = selector.user_id !== undefined || selector.email !== undefined
  const users = by_user ? await findUsers(store, selector) : []
  if (count === 0 && users.length === 0) {
    console.error('No connection is like that, so nothing was ended.')
    return 1
  }
  if (!(await confirmed(`end ${count} connections`, count, revocation.yes))) {
    console.error('Nothing was ended.')
    return 1
  }
  let ended = 0
  for (let batch: readonly EndedConnection[]; ; ended += batch.length) {
    batch = await endBatch(store, revocation)
    if (batch.length === 0) break
    for (const connection of batch)
      console.log(json ? JSON.stringify(connection) : `ended ${connection.id}`)
    if (count > batch.length) console.error(`${ended + batch.length} of ${count}`)
  }
  let sessions = 0
  for (const user_id of users) sessions += await endBrowserSessions(store, user_id)
  if (!json) console.error(`${ended} connections and ${sessions} browser sessions were ended.`)
  return 0
}

/** Nothing ends off the record: a batch and its events are one transaction. */
function endBatch(
  store: Store,
  { selector, reason }: Revocation,
): Promise<readonly EndedConnection[]> {
  return store.db.transaction().execute(async db => {
    const ended = await endConnections({ ...store, db }, selector, 'operator')
    for (const { id, email, ...who } of ended) {
      const event: AuditEvent = {
        type: 'revocation',
        outcome: 'ok',
        connection_id: id,
        ...who,
        ...(email === undefined ? {} : { email }),
        reason: reason === undefined ? 'operator' : `operator: ${reason}`,
      }
      await recordAuditEvent(db, event)
    }
    return ended
  })
}

import { forgetApprovals } from './approvals.ts'
import { recordAuditEvent } from './audit.ts'
import { endConnections } from './end-connections.ts'
import { type ClientDecision, decideClient, lockOrgClient, type OrgClient } from './org-clients.ts'
import type { Store } from './store.ts'

export interface OrgClientDecision {
  readonly status: ClientDecision
  /** A user id, or `operator`. */
  readonly decided_by: string
  readonly reason?: string | undefined
  readonly request_id?: string | undefined
}

/**
 * An org decides about a client, on record. From then on nobody connects to one that is refused or
 * blocked, and what people approved for it is forgotten. Blocking also ends its connections in this
 * org. Gives how many those were.
 *
 * A connection that is made at the same moment is either seen here and ended, or not made.
 */
export async function decideOrgClient(
  store: Store,
  client: OrgClient,
  { status, decided_by, reason, request_id }: OrgClientDecision,
): Promise<number> {
  await store.db.transaction().execute(async db => {
    await lockOrgClient(db, client, 'exclusive')
    await decideClient(db, client, { status, decided_by })
    if (status !== 'approved') await forgetApprovals(db, client)
    await recordAuditEvent(db, {
      type: 'consent',
      outcome: status === 'approved' ? 'ok' : 'refused',
      ...client,
      ...(decided_by.startsWith('usr_') ? { user_id: decided_by } : {}),
      ...(request_id === undefined ? {} : { request_id }),
      error_code: `client_${status}`,
      reason: `${decided_by}${reason === undefined ? '' : `: ${reason}`}`,
    })
  })
  if (status !== 'blocked') return 0
  for (let count = 0; ;) {
    const ended = await endBatch(store, client, request_id)
    if (ended === 0) return count
    count += ended
  }
}

/** Nothing ends off the record: a batch and its events are one transaction. */
function endBatch(
  store: Store,
  client: OrgClient,
  request_id: string | undefined,
): Promise<number> {
  return store.db.transaction().execute(async db => {
    const ended = await endConnections({ ...store, db }, { ...client }, 'client_blocked')
    for (const { id, email, ...who } of ended)
      await recordAuditEvent(db, {
        type: 'revocation',
        outcome: 'ok',
        connection_id: id,
        ...who,
        ...(email === undefined ? {} : { email }),
        ...(request_id === undefined ? {} : { request_id }),
        reason: 'client_blocked',
      })
    return ended.length
  })
}

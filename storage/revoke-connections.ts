import { type AuditEvent, recordAuditEvent } from './audit.ts'
import {
  type ConnectionSelector,
  endBrowserSessions,
  endConnections,
  type EndedConnection,
  findUsers,
} from './end-connections.ts'
import type { Store } from './store.ts'

/** Who ends connections by hand: a person their own, an admin those of the organization. */
export type Revoker =
  | { readonly kind: 'user'; readonly user_id: string }
  | { readonly kind: 'admin'; readonly user_id: string; readonly org_id: string }
  | { readonly kind: 'operator' }

/** As the row and the audit trail say it. */
const reasons = { user: 'user_revoked', admin: 'admin_revoked', operator: 'operator' } as const

export interface Revocation {
  /** Narrowed to what is the revoker's to end: naming another's connection ends nothing. */
  readonly selector: ConnectionSelector
  readonly by: Revoker
  /** In the revoker's words. */
  readonly detail?: string | undefined
  readonly request_id?: string | undefined
}

/**
 * Ends connections and puts each on record, in batches: the end of a batch and its events are one
 * transaction, so nothing ends off the record. Gives each batch when it has ended, and what it gave
 * has ended also when a later one fails.
 *
 * @throws TypeError when the selector names nothing, which would be all that the revoker may end
 */
export async function* revokeConnections(
  store: Store,
  revocation: Revocation,
): AsyncGenerator<readonly EndedConnection[], void> {
  const selector = narrowed(revocation)
  while (selector) {
    const batch = await store.db.transaction().execute(async db => {
      const ended = await endConnections({ ...store, db }, selector, reasons[revocation.by.kind])
      for (const connection of ended) await recordAuditEvent(db, eventOf(connection, revocation))
      return ended
    })
    if (batch.length === 0) return
    yield batch
  }
}

/**
 * Ends all that a user has granted, as far as it is the revoker's to end, and the user's browser
 * sessions. An admin reaches nobody who never had a connection of the organization.
 *
 * Gives how many of each.
 */
export async function revokeUser(
  store: Store,
  user_id: string,
  revocation: Omit<Revocation, 'selector'>,
): Promise<{ readonly connections: number; readonly browser_sessions: number }> {
  const selector = narrowed({ ...revocation, selector: { user_id } })
  const reached = selector !== undefined && (await isReached(store, selector, revocation.by))
  if (!reached) return { connections: 0, browser_sessions: 0 }
  let connections = 0
  for await (const batch of revokeConnections(store, { ...revocation, selector }))
    connections += batch.length
  return { connections, browser_sessions: await endBrowserSessions(store, user_id) }
}

async function isReached(store: Store, selector: ConnectionSelector, by: Revoker) {
  return by.kind !== 'admin' || (await findUsers(store, selector)).length > 0
}

/** Undefined when it names what is not the revoker's to end. */
function narrowed({ selector, by }: Revocation): ConnectionSelector | undefined {
  if (Object.values(selector).every(value => value === undefined))
    throw new TypeError('the selector names no connection')
  if (by.kind === 'operator') return selector
  const own = by.kind === 'user' ? { user_id: by.user_id } : { org_id: by.org_id }
  const foreign = Object.entries(own).some(
    ([name, value]) => (selector[name as keyof typeof own] ?? value) !== value,
  )
  return foreign ? undefined : { ...selector, ...own }
}

function eventOf(
  { id, email, ...who }: EndedConnection,
  { by, detail, request_id }: Revocation,
): AuditEvent {
  const words = [
    reasons[by.kind],
    ...(by.kind === 'admin' ? [`by ${by.user_id}`] : []),
    ...(detail === undefined ? [] : [detail]),
  ]
  return {
    type: 'revocation',
    outcome: 'ok',
    connection_id: id,
    ...who,
    ...(email === undefined ? {} : { email }),
    ...(request_id === undefined ? {} : { request_id }),
    reason: words.join(': ').slice(0, 300),
  }
}

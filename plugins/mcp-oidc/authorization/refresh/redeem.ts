import type { ConnectionLease } from '../../../../storage/connection-lease.ts'
import { findRecord, type StoredRecord } from '../../../../storage/records.ts'
import type { Store } from '../../../../storage/store.ts'
import type { HttpRequest } from '../provider-request.ts'
import { refreshing } from './refreshing.ts'
import { type Attempt, LeaseTimeout, underLease } from './lease.ts'

/** How long a refresh token that was just consumed still leads to its successor, milliseconds. */
const grace = 30_000
const model = 'RefreshToken'

export interface RedeemParts<Answer> {
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Lets oidc-provider answer, which authenticates the client and checks all there is to check. */
  readonly ask: (request: HttpRequest) => Promise<Answer>
  readonly busy: () => Answer
}

/**
 * A refresh (requirement T03). Of simultaneous ones for a connection, on any replica, one at a time
 * redeems; clients that share a refresh token, or lost the answer, get the same successor for as
 * long as nobody has used it, for 30 seconds. Any other use of a consumed token is a replay, and
 * oidc-provider ends the connection for it.
 *
 * Undefined when the request is no refresh.
 */
export async function redeemRefreshToken<Answer>(
  { store, now, ask, busy }: RedeemParts<Answer>,
  request: HttpRequest,
): Promise<Answer | undefined> {
  const parameters = new URLSearchParams(request.body?.toString())
  const [token, ...others] = parameters.getAll('refresh_token')
  if (parameters.get('grant_type') !== 'refresh_token') return undefined
  if (token === undefined || others.length > 0) return ask(request)
  const redeem = async (lease?: ConnectionLease): Promise<Attempt<Answer>> => {
    const record = await findRecord(store, model, token)
    const successor = record && (await unusedSuccessor(store, record, now()))
    if (successor !== undefined) {
      parameters.set('refresh_token', successor)
      const body = Buffer.from(parameters.toString())
      return { done: await refreshing.run({}, () => ask({ ...request, body })) }
    }
    const connection_id = record?.payload.grantId
    const redeemable = record?.consumed_at === undefined && typeof connection_id === 'string'
    if (redeemable && lease === undefined) return { needs_lease: connection_id }
    return { done: await refreshing.run(lease ? { lease } : {}, () => ask(request)) }
  }
  try {
    return await underLease(store, redeem)
  } catch (error) {
    if (error instanceof LeaseTimeout) return busy()
    throw error
  }
}

/** The successor of a token consumed at most 30 seconds ago, while nobody has used it. */
async function unusedSuccessor(
  store: Store,
  { consumed_at, successor }: StoredRecord,
  now: number,
): Promise<string | undefined> {
  if (consumed_at === undefined || successor === undefined) return undefined
  if (now - consumed_at.getTime() > grace) return undefined
  const found = await findRecord(store, model, successor)
  return found && found.consumed_at === undefined ? successor : undefined
}

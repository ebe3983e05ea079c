import type { ConnectionLease } from '../../../../storage/connection-lease.ts'
import type { StoredRecord } from '../../../../storage/record-row.ts'
import { findRecord } from '../../../../storage/records.ts'
import { readRefreshState } from '../../../../storage/refresh-state.ts'
import type { Store } from '../../../../storage/store.ts'
import { isToBeAsked } from '../../connections/idp-check.ts'
import type { HttpRequest } from '../provider-request.ts'
import { type Attempt, LeaseTimeout, underLease } from './lease.ts'
import { type RefreshOutcome, type Refreshing, refreshing } from './refreshing.ts'

/** How long a refresh token that was just consumed still leads to its successor, milliseconds. */
const grace = 30_000
const model = 'RefreshToken'

export interface RedeemParts<Answer> {
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Lets oidc-provider answer, which authenticates the client and checks all there is to check. */
  readonly ask: (request: HttpRequest) => Promise<Answer>
  /** Writes what was decided, durably. False when the token was consumed or revoked meanwhile. */
  readonly write: (outcome: RefreshOutcome) => Promise<boolean>
  readonly busy: () => Answer
}

/**
 * A refresh (requirement T03). Of simultaneous ones for a connection, on any replica, one redeems;
 * clients that share a refresh token, or lost the answer, get the same successor for as long as
 * nobody has used it, for 30 seconds. Any other use of a consumed token is a replay, and
 * oidc-provider ends the connection for it.
 *
 * What it takes is read by one statement, and what comes of it written by another, which finds out
 * who of several was first. While the identity provider is asked, which may be done once only, they
 * take turns by a lease.
 *
 * Undefined when the request is no refresh.
 */
export async function redeemRefreshToken<Answer extends { readonly status: number }>(
  { store, now, ask, write, busy }: RedeemParts<Answer>,
  request: HttpRequest,
): Promise<Answer | undefined> {
  const parameters = new URLSearchParams(request.body?.toString())
  const [token, ...others] = parameters.getAll('refresh_token')
  if (parameters.get('grant_type') !== 'refresh_token') return undefined
  if (token === undefined || others.length > 0) return ask(request)
  let overtaken: Refreshing = { redeems: false }
  const redeem = async (lease?: ConnectionLease): Promise<Attempt<Answer>> => {
    const state = await readRefreshState(store, token)
    if (state === undefined) return { done: await refreshing.run(overtaken, () => ask(request)) }
    const successor = await unusedSuccessor(store, state.token, now())
    if (successor !== undefined) {
      parameters.set('refresh_token', successor)
      const body = Buffer.from(parameters.toString())
      return { done: await refreshing.run({ redeems: false }, () => ask({ ...request, body })) }
    }
    const connection_id = state.token.payload.grantId
    const redeems = state.token.consumed_at === undefined && typeof connection_id === 'string'
    if (redeems && lease === undefined && (state.leased || isToBeAsked(state.idp, now())))
      return { needs_lease: connection_id }
    const refresh: Refreshing = { redeems, state, ...(lease && { lease }) }
    const answer = await refreshing.run(refresh, () => ask(request))
    const { outcome } = refresh
    if (outcome === undefined || answer.status !== 200) return { done: answer }
    if (await write(outcome)) return { done: answer }
    if (redeems) overtaken = { redeems: false, revoked_connection_id: connection_id }
    return 'overtaken'
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

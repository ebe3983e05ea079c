import { AsyncLocalStorage } from 'node:async_hooks'
import type { ConnectionLease } from '../../../../storage/connection-lease.ts'
import { type Connection, findConnection } from '../../../../storage/connections.ts'
import type { StoredRecord } from '../../../../storage/record-row.ts'
import { findRecord, type Successor } from '../../../../storage/records.ts'
import type { RefreshState } from '../../../../storage/refresh-state.ts'
import type { Store } from '../../../../storage/store.ts'
import type { CountedEvent } from '../../metrics.ts'

/** A refresh under way, as the parts of oidc-provider that it passes through know it. */
export interface Refreshing {
  /**
   * Whether the refresh token is redeemed. One that was consumed moments ago is not: what it gets is
   * the successor that exists already.
   */
  readonly redeems: boolean
  /** Held while the identity provider is asked. */
  readonly lease?: ConnectionLease
  /** Whose token it was before it was revoked, while this refresh of its client was under way. */
  readonly revoked_connection_id?: string
  /** What was read when it began; gone once the identity provider was asked. */
  state?: RefreshState
  /** The refresh token that is to be consumed together with the writing of its successor. */
  replaces?: string
  /** What is to be written once there is an answer that nothing can keep from the client. */
  outcome?: RefreshOutcome
}

export interface RefreshOutcome {
  /** The refresh token that is consumed. */
  readonly replaces: string
  readonly successor: Successor
  /** What goes on record together with it; undefined while there is no answer. */
  event?: CountedEvent
}

/** oidc-provider calls its adapter and hooks without telling for which request. */
export const refreshing = new AsyncLocalStorage<Refreshing>()

/** As `findRecord`; in a refresh, what was read when it began. */
export async function currentRecord(
  store: Store,
  model: string,
  id: string,
): Promise<StoredRecord | undefined> {
  return refreshing.getStore()?.state?.record(model, id) ?? findRecord(store, model, id)
}

/** As `findConnection`; in a refresh, what was read when it began. */
export async function currentConnection(store: Store, id: string): Promise<Connection | undefined> {
  const connection = refreshing.getStore()?.state?.connection()
  return connection?.id === id ? connection : findConnection(store, id)
}

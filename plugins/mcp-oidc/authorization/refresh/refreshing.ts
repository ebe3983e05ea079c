import { AsyncLocalStorage } from 'node:async_hooks'
import type { ConnectionLease } from '../../../../storage/connection-lease.ts'

/** A refresh under way, as the parts of oidc-provider that it passes through know it. */
export interface Refreshing {
  /**
   * Held while a refresh token is redeemed. A refresh token that was consumed moments ago needs
   * none: what it gets is the successor that exists already.
   */
  readonly lease?: ConnectionLease
  /** The refresh token that is to be consumed together with the writing of its successor. */
  replaces?: string
}

/** oidc-provider calls its adapter and hooks without telling for which request. */
export const refreshing = new AsyncLocalStorage<Refreshing>()

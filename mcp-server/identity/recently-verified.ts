import { hash } from 'node:crypto'
import type { Identity } from './identity.ts'

/** What a token says, and when that is so: seconds since the epoch, both included. */
export interface Verified {
  readonly identity: Identity
  readonly from: number
  readonly until: number
}

export interface RecentlyVerified {
  /** The identity of a token that was verified before and is good now. */
  identityOf(token: string, now: number): Identity | undefined
  /** `now` in seconds since the epoch, as everywhere here. */
  remember(token: string, verified: Verified, now: number): void
  size(): number
}

/**
 * Tokens whose signature was verified, so that one that comes with many requests is verified once. At
 * most `most` of them, by their SHA-256: what is kept is no token. Those past their end make room for
 * the next one, for an identity may have hundreds of roles.
 */
export function rememberVerified(most: number): RecentlyVerified {
  const verified = new Map<string, Verified>()
  const key = (token: string) => hash('sha256', token, 'base64')
  return {
    identityOf(token, now) {
      const known = verified.get(key(token))
      return known && known.from <= now && now <= known.until ? known.identity : undefined
    },
    remember(token, { identity, from, until }, now) {
      // A map keeps its order: the first one is the oldest, and the next to end.
      for (const [oldest, { until }] of verified) {
        if (verified.size < most && now <= until) break
        verified.delete(oldest)
      }
      verified.set(key(token), { identity, from, until })
    },
    size: () => verified.size,
  }
}

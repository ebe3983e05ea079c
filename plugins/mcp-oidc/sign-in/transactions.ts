import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type SealedRecord, sealRecord } from '../../../storage/record-row.ts'
import { consumeRecord, consumeTogether, findRecord } from '../../../storage/records.ts'
import type { Database } from '../../../storage/database.ts'
import type { Store } from '../../../storage/store.ts'
import { sameText } from './browser.ts'
import { findPageRecord } from './page-records.ts'

/** A trip to the identity provider under way; found by its `state`, used once (requirement A04). */
export interface Transaction {
  readonly uid: string
  /** The client whose request it is for; empty for one that an older release began. */
  readonly client_id: string
  readonly idp: string
  readonly nonce: string
  readonly code_verifier: string
  /** Hash of the browser it was begun in. */
  readonly browser: string
}

/**
 * A sign-in that came back and now waits for the consent decision, found by an id of its own: what
 * is approved is the page that was shown, also when the same request was signed in for twice.
 */
export interface PendingConsent {
  readonly uid: string
  readonly browser: string
  readonly idp: string
  readonly user_id: string
  readonly email: string
  readonly name?: string | undefined
  readonly orgs: readonly string[]
  readonly roles: readonly string[]
  readonly idp_sub: string
  readonly idp_sid?: string | undefined
  readonly idp_refresh_token?: string | undefined
}

const transaction_schema = z.object({
  uid: z.string(),
  client_id: z.string().default(''),
  idp: z.string(),
  nonce: z.string(),
  code_verifier: z.string(),
  browser: z.string(),
})
const bound_schema = z.object({
  browser: z.string(),
  client_id: z.string().default(''),
  fetch_site: z.string().optional(),
})
const pending_schema = z.object({
  uid: z.string(),
  browser: z.string(),
  idp: z.string(),
  user_id: z.string(),
  email: z.string(),
  name: z.string().optional(),
  orgs: z.array(z.string()),
  roles: z.array(z.string()),
  idp_sub: z.string(),
  idp_sid: z.string().optional(),
  idp_refresh_token: z.string().optional(),
})

/** How long a trip to the identity provider may take, seconds (requirement A04). */
const transaction_ttl = 600

/** A browser as it is stored: a copy of the database does not let anyone pose as it. */
export function browserHash(browser: string): string {
  return createHash('sha256').update(browser).digest('base64url')
}

export function isBrowser(stored: string, browser: string | undefined): boolean {
  return browser !== undefined && sameText(stored, browserHash(browser))
}

/** What was noted of an authorization request when it came. */
export interface BoundRequest {
  /** Hash of the browser that it belongs to. */
  readonly browser: string
  readonly client_id: string
  /** `Sec-Fetch-Site`: whose doing the request was. The way back from a sign-in tells no more. */
  readonly fetch_site?: string | undefined
}

export interface Binding extends BoundRequest {
  /** Whether it has been answered in its browser. */
  readonly answered: boolean
}

/** Records are given to be written together with what else a request leaves behind. */
export interface Transactions {
  /** An interaction belongs to one browser. */
  binding(uid: string, request: BoundRequest, ttl: number): SealedRecord
  boundTo(uid: string): Promise<Binding | undefined>
  /**
   * Claims the one answer that an interaction takes, and the sign-in that it is made with: true for
   * one caller only, also when `db` is a transaction.
   */
  claim(db: Database, uid: string, sign_in: string): Promise<boolean>
  /** To be noted once: the one way back to the client with that answer. */
  wayBack(uid: string, ttl: number): SealedRecord
  trip(state: string, transaction: Transaction): SealedRecord
  /** Also when it was taken, so that its browser can be told. */
  find(state: string): Promise<Transaction | undefined>
  /** True for one caller only. */
  take(state: string): Promise<boolean>
  consent(sign_in: string, pending: PendingConsent, ttl: number): SealedRecord
  pendingConsent(sign_in: string): Promise<PendingConsent | undefined>
}

/** `now` in milliseconds; ttl in seconds. */
export function createTransactions(store: Store, now: () => number): Transactions {
  const expires = (ttl: number) => ({ expires_at: new Date(now() + ttl * 1000) })
  const record = (model: string, id: string, payload: object, ttl: number) =>
    sealRecord(store, model, id, { ...payload }, expires(ttl))
  return {
    binding: (uid, request, ttl) => record('InteractionBrowser', uid, request, ttl),
    boundTo: async uid => {
      const found = await findPageRecord(store, 'InteractionBrowser', uid)
      if (!found) return undefined
      return { ...bound_schema.parse(found.payload), answered: found.consumed_at !== undefined }
    },
    claim: (db, uid, sign_in) =>
      consumeTogether(
        db,
        { model: 'InteractionBrowser', id: uid },
        { model: 'PendingConsent', id: sign_in },
      ),
    // What is known of the request stays, so that a copy of its page can be told that it was answered.
    wayBack: (uid, ttl) => record('CarriedAnswer', uid, {}, ttl),
    trip: (state, transaction) => record('Transaction', state, transaction, transaction_ttl),
    find: async state =>
      transaction_schema.optional().parse((await findRecord(store, 'Transaction', state))?.payload),
    take: state => consumeRecord(store, 'Transaction', state),
    consent: (sign_in, pending, ttl) => record('PendingConsent', sign_in, pending, ttl),
    pendingConsent: async sign_in =>
      pending_schema
        .optional()
        .parse((await findPageRecord(store, 'PendingConsent', sign_in))?.payload),
  }
}

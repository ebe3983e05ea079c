import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestHandler } from 'express'
import type { ClientMetadata } from 'oidc-provider'
import { type SealedRecord, sealRecord } from '../../../../storage/record-row.ts'
import type { Store } from '../../../../storage/store.ts'
import { findPageRecord } from '../../sign-in/page-records.ts'

const model = 'InteractionClient'

/**
 * A request for authorization keeps the client that it was begun with, be it published by a document
 * or registered: what the pages show and where the answer goes is what was judged then.
 */
export const seen_client = new AsyncLocalStorage<ClientMetadata>()

/** Characters. A document is smaller, and so is what an AI client registers. */
const most_kept = 8 * 1024

/**
 * Whether a client that registered itself is kept with each request: anybody may register one, and
 * begin requests without end. A larger one is looked up again; what it registered as does not change.
 */
export function isKept(client: ClientMetadata): boolean {
  return JSON.stringify(client).length <= most_kept
}

/** Says, once it is written, that the interaction `uid` saw this client; for so many seconds. */
export function seenClientRecord(
  store: Store,
  now: number,
  { uid, client, ttl }: { uid: string; client: ClientMetadata; ttl: number },
): SealedRecord {
  const expires_at = new Date(now + ttl * 1000)
  return sealRecord(store, model, uid, { ...client }, { expires_at })
}

/** For routes with `:uid`: what follows sees the client as the interaction saw it. */
export function withSeenClient({ store }: { readonly store: Store }): RequestHandler {
  return async (req, _res, next) => {
    const found = await findPageRecord(store, model, String(req.params['uid']))
    // What was written was a client's metadata.
    if (found) seen_client.run(found.payload as unknown as ClientMetadata, next)
    else next()
  }
}

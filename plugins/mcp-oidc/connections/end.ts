import type { IncomingMessage } from 'node:http'
import {
  type ConnectionSelector,
  endConnections,
  type EndedConnection,
} from '../../../storage/end-connections.ts'
import type { Store } from '../../../storage/store.ts'
import type { Audit } from '../audit.ts'

/** Why a connection ended, as the row and the audit trail say it. An operator's command says `operator`. */
export type EndReason =
  | 'client_revoked'
  | 'authorization_code_reused'
  | 'refresh_token_reused'
  | 'idp_refused'
  | 'idp_logout'
  | 'org_lost'
  | 'person_refused'
  | 'client_blocked'

export interface Ending {
  readonly reason: EndReason
  /** In the identity provider's words, say. */
  readonly detail?: string | undefined
  /** The request that led to it. */
  readonly req?: Pick<IncomingMessage, 'headers'> | undefined
}

/** Ends connections and puts each on record. Gives those that were active until now. */
export type EndConnections = (
  selector: ConnectionSelector,
  ending: Ending,
) => Promise<readonly EndedConnection[]>

/**
 * However many there are, in batches: the end of a batch and its events are one transaction, so
 * nothing ends off the record.
 */
export function createEnd(store: Store, audit: Audit): EndConnections {
  const endBatch = async (selector: ConnectionSelector, { reason, detail, req }: Ending) => {
    const announcements: (() => void)[] = []
    const ended = await store.db.transaction().execute(async db => {
      const batch = await endConnections({ ...store, db }, selector, reason)
      for (const { id, email, ...who } of batch) {
        const event = {
          type: 'revocation',
          outcome: 'ok',
          connection_id: id,
          ...who,
          ...(email === undefined ? {} : { email }),
          reason: detail === undefined ? reason : `${reason}: ${detail}`.slice(0, 300),
        } as const
        announcements.push(await audit.within(db, req, event))
      }
      return batch
    })
    for (const announce of announcements) announce()
    return ended
  }
  return async (selector, ending) => {
    const all: EndedConnection[] = []
    for (;;) {
      const batch = await endBatch(selector, ending)
      if (batch.length === 0) return all
      all.push(...batch)
      // One connection is one batch.
      if (selector.id !== undefined) return all
    }
  }
}

import { z } from 'zod'
import { type RecordName, type SealedRecord, sealRecord } from '../../../storage/record-row.ts'
import { findRecord } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'
import { browserHash } from './transactions.ts'

const model = 'Bounces'
const a_minute = 60_000
/** The next one would be the third. */
const most = 2

const bounces_schema = z.object({ at: z.array(z.number()) })

/**
 * How often a browser was sent back to a client without a person having done anything: a client that
 * answers an error by asking again would keep the browser going in circles (requirement A11).
 * Browsers are named by their hash. One row for a browser and client, which lives a minute.
 */
export interface Bounces {
  /** One more within a minute, to be written; undefined when that is too many. */
  another(browser: string, client_id: string): Promise<SealedRecord | undefined>
  /** To be removed when a person has done something. */
  record(browser: string, client_id: string): RecordName
}

/** What to forget once a person is at it: whatever brought them here again, no machine goes in circles. */
export function bouncesOf(
  { bounces }: { readonly bounces: Bounces },
  { browser, client_id }: { readonly browser: string; readonly client_id: string },
): RecordName {
  return bounces.record(browserHash(browser), client_id)
}

/** `now` in milliseconds. */
export function createBounces(store: Store, now: () => number): Bounces {
  const id = (browser: string, client_id: string) => JSON.stringify([browser, client_id])
  return {
    async another(browser, client_id) {
      const name = id(browser, client_id)
      const { at } = bounces_schema.parse(
        (await findRecord(store, model, name))?.payload ?? { at: [] },
      )
      const recent = at.filter(time => time > now() - a_minute)
      if (recent.length >= most) return undefined
      const expires_at = new Date(now() + a_minute)
      return sealRecord(store, model, name, { at: [...recent, now()] }, { expires_at })
    },
    record: (browser, client_id) => ({ model, id: id(browser, client_id) }),
  }
}

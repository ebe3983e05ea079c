import { z } from 'zod'
import { destroyRecord, findRecord, upsertRecord } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'

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
  /** Counts one more within a minute. False when that is too many, and then it is not counted. */
  count(browser: string, client_id: string): Promise<boolean>
  /** A person has done something. */
  forget(browser: string, client_id: string): Promise<void>
}

/** `now` in milliseconds. */
export function createBounces(store: Store, now: () => number): Bounces {
  const id = (browser: string, client_id: string) => JSON.stringify([browser, client_id])
  return {
    async count(browser, client_id) {
      const name = id(browser, client_id)
      const { at } = bounces_schema.parse(
        (await findRecord(store, model, name))?.payload ?? { at: [] },
      )
      const recent = at.filter(time => time > now() - a_minute)
      if (recent.length >= most) return false
      const expires_at = new Date(now() + a_minute)
      await upsertRecord(store, model, name, { at: [...recent, now()] }, { expires_at })
      return true
    },
    forget: (browser, client_id) => destroyRecord(store, model, id(browser, client_id)),
  }
}

import { z } from 'zod'
import { destroyRecord, findRecord, upsertRecord } from '../../storage/records.ts'
import { CONSOLE_SESSION } from '../../storage/signed-in-people.ts'
import type { Store } from '../../storage/store.ts'

/** What the console keeps of a sign-in; the browser has its id alone. */
export interface Session {
  readonly id_token: string
  /** Good for asking the gateway whether the session may go on, and for nothing else. */
  readonly access_token: string
  readonly token_type: string
  readonly user_id: string
  /** What every form of this session carries. */
  readonly csrf: string
}

/** In place of a session that could not be read: nobody is signed out by a database that is away. */
export interface UnreadableSession {
  readonly unreadable: true
}

interface Kept {
  /** Seconds since the epoch: when it began, was last written, and ends. */
  readonly header: { readonly iat: number; readonly uat: number; readonly exp: number }
  readonly data: object
}

const kept = z.object({
  header: z.object({ iat: z.number(), uat: z.number(), exp: z.number() }),
  data: z.looseObject({ user_id: z.string() }),
})

const a_minute = 60

/** Milliseconds since the epoch. */
type Clock = () => number

/**
 * express-openid-connect's session store in PostgreSQL, sealed like every other record, found by the
 * hash of its id, and gone when it ends or when its user is signed out everywhere. Sessions never
 * change: what was read is not written again, or a request under way would bring back one that has
 * just been ended.
 */
export function createSessionStore(store: Store, now: Clock, failed: (error: unknown) => void) {
  /** Which token each had when it was read: another one is another sign-in. */
  const read = new WeakMap<object, unknown>()
  return {
    async get(id: string): Promise<Kept | undefined> {
      try {
        const found = await findRecord(store, CONSOLE_SESSION, id)
        if (!found) return undefined
        const session = kept.parse(found.payload)
        read.set(session.data, session.data['access_token'])
        return session
      } catch (error) {
        failed(error)
        const iat = Math.floor(now() / 1000)
        const data: UnreadableSession = { unreadable: true }
        read.set(data, undefined)
        return { header: { iat, uat: iat, exp: iat + a_minute }, data }
      }
    },
    async set(id: string, { header, data }: Kept): Promise<void> {
      const token = (data as { access_token?: unknown }).access_token
      if (read.has(data) && read.get(data) === token) return
      const { user_id } = kept.parse({ header, data }).data
      await upsertRecord(
        store,
        CONSOLE_SESSION,
        id,
        { header, data },
        { user_id, expires_at: new Date(header.exp * 1000) },
      )
    },
    destroy: async (id: string): Promise<void> => destroyRecord(store, CONSOLE_SESSION, id),
  }
}

import { idpTokenName, openProfile, profileName, sealedProfile } from './connections.ts'
import { recordName, successorName } from './records.ts'
import { seal, sealedWith, unseal } from './seal.ts'
import type { Store } from './store.ts'

export interface Resealed {
  /** Rows looked at. */
  readonly seen: number
  /** Rows that are sealed with the first key now, and were not before. */
  readonly resealed: number
  /** Rows that changed at the same moment: whoever wrote them sealed them. */
  readonly overtaken: number
  /** Rows that do not open, by name: they stay as they are. */
  readonly unopened: readonly string[]
}

export interface ResealOptions {
  /** Hears of every page. */
  readonly progress: (so_far: Resealed) => void
}

const page = 500

interface Work {
  seen: number
  resealed: number
  overtaken: number
  unopened: string[]
}

/**
 * Seals again, with the first key of the ring, every row that another key sealed, while the gateway
 * runs: a row is replaced only if it is still what was read. May be ended and begun again at any time.
 */
export async function reseal(store: Store, { progress }: ResealOptions): Promise<Resealed> {
  const work: Work = { seen: 0, resealed: 0, overtaken: 0, unopened: [] }
  await resealConnections(store, work, () => progress(work))
  await resealRecords(store, work, () => progress(work))
  return work
}

async function resealConnections(store: Store, work: Work, done: () => void): Promise<void> {
  for (let after = ''; ;) {
    const rows = await store.db
      .selectFrom('connections')
      .select(['id', 'idp_id', 'profile', 'idp_refresh_token'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(page)
      .execute()
    for (const { id, idp_id, profile, idp_refresh_token } of rows)
      await attempt(work, profileName(id), async () => {
        const changes = {
          ...(isOld(store, profile) &&
            sealedProfile(store, id, idp_id, openProfile(store, id, profile))),
          ...(idp_refresh_token &&
            isOld(store, idp_refresh_token) && {
              idp_refresh_token: again(store, idpTokenName(id), idp_refresh_token),
            }),
        }
        if (Object.keys(changes).length === 0) return undefined
        const { numUpdatedRows } = await store.db
          .updateTable('connections')
          .set(changes)
          .where('id', '=', id)
          .where('profile', '=', profile)
          .where('idp_refresh_token', 'is not distinct from', idp_refresh_token)
          .executeTakeFirstOrThrow()
        return numUpdatedRows === 1n
      })
    done()
    const last = rows.at(-1)
    if (!last || rows.length < page) return
    after = last.id
  }
}

async function resealRecords(store: Store, work: Work, done: () => void): Promise<void> {
  let after: { model: string; id_hash: Buffer } | undefined
  for (;;) {
    const from = after
    let query = store.db
      .selectFrom('oidc_records')
      .select(['model', 'id_hash', 'payload', 'successor'])
      .orderBy('model')
      .orderBy('id_hash')
      .limit(page)
    if (from)
      query = query.where(row =>
        row(row.refTuple('model', 'id_hash'), '>', row.tuple(from.model, from.id_hash)),
      )
    const rows = await query.execute()
    for (const { model, id_hash, payload, successor } of rows)
      await attempt(work, recordName(model, id_hash), async () => {
        const changes = {
          ...(isOld(store, payload) && {
            payload: again(store, recordName(model, id_hash), payload),
          }),
          ...(successor &&
            isOld(store, successor) && {
              successor: again(store, successorName(model, id_hash), successor),
            }),
        }
        if (Object.keys(changes).length === 0) return undefined
        const { numUpdatedRows } = await store.db
          .updateTable('oidc_records')
          .set(changes)
          .where('model', '=', model)
          .where('id_hash', '=', id_hash)
          .where('payload', '=', payload)
          .where('successor', 'is not distinct from', successor)
          .executeTakeFirstOrThrow()
        return numUpdatedRows === 1n
      })
    done()
    after = rows.at(-1)
    if (!after || rows.length < page) return
  }
}

/** `replace` gives whether the row was still the same; undefined when there was nothing to do. */
async function attempt(
  work: Work,
  name: string,
  replace: () => Promise<boolean | undefined>,
): Promise<void> {
  work.seen += 1
  try {
    const replaced = await replace()
    if (replaced === true) work.resealed += 1
    if (replaced === false) work.overtaken += 1
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SealError') throw error
    work.unopened.push(name)
  }
}

function isOld({ ring }: Store, sealed: Buffer): boolean {
  return sealedWith(sealed) !== ring[0].kid
}

function again({ ring }: Store, name: string, sealed: Buffer): Buffer {
  return seal(ring, name, unseal(ring, name, sealed))
}

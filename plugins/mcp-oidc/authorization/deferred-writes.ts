import { AsyncLocalStorage } from 'node:async_hooks'
import type { Changes } from '../../../storage/changes.ts'
import {
  openRecord,
  type RecordKeys,
  type RecordName,
  type SealedRecord,
  sealRecord,
  type StoredRecord,
} from '../../../storage/record-row.ts'
import type { Store } from '../../../storage/store.ts'

/** What oidc-provider saves and removes while it answers a request. */
export interface Deferral {
  save(model: string, id: string, payload: Record<string, unknown>, keys: RecordKeys): void
  remove(model: string, id: string): void
  /** Undefined when it was neither saved nor removed. */
  find(model: string, id: string): { readonly record: StoredRecord | undefined } | undefined
}

/** oidc-provider calls its adapter without telling for which request. */
const deferral = new AsyncLocalStorage<Deferral>()

/** Where there is one, nothing is to be written yet. */
export function currentDeferral(): Deferral | undefined {
  return deferral.getStore()
}

export type Deferred = Required<Pick<Changes, 'written' | 'removed'>>

/**
 * Runs `work`, in which oidc-provider writes nothing: what it would have written is given along, for
 * one statement that writes it with what else the request leaves behind.
 */
export async function deferWrites<T>(
  store: Pick<Store, 'ring'>,
  work: () => Promise<T>,
): Promise<{ readonly answer: T; readonly changes: Deferred }> {
  const written = new Map<string, SealedRecord>()
  const removed = new Map<string, RecordName>()
  const nameOf = (model: string, id: string) => JSON.stringify([model, id])
  const here: Deferral = {
    save(model, id, payload, keys) {
      removed.delete(nameOf(model, id))
      // Sealed at once: what is saved is what it was at this moment.
      written.set(nameOf(model, id), sealRecord(store, model, id, payload, keys))
    },
    remove(model, id) {
      written.delete(nameOf(model, id))
      removed.set(nameOf(model, id), { model, id })
    },
    find(model, id) {
      if (removed.has(nameOf(model, id))) return { record: undefined }
      const row = written.get(nameOf(model, id))
      if (row === undefined) return undefined
      const [, id_hash, payload] = row
      const unused = { consumed_at: null, successor: null }
      return { record: openRecord(store, model, { id_hash, payload, ...unused }) }
    },
  }
  const answer = await deferral.run(here, work)
  return { answer, changes: { written: [...written.values()], removed: [...removed.values()] } }
}

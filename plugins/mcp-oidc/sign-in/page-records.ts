import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestHandler } from 'express'
import type { RecordName, StoredRecord } from '../../../storage/record-row.ts'
import { findRecord, findRecords } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'

/** What every page of an authorization request begins with, found by its uid. */
const models = ['InteractionClient', 'Interaction', 'InteractionBrowser'] as const
type PageModel = (typeof models)[number] | 'PendingConsent'

/** Those that nobody has taken yet, by name; undefined for one that is not there. */
type PageRecords = Map<string, StoredRecord | undefined>

const page_records = new AsyncLocalStorage<PageRecords>()

const nameOf = ({ model, id }: RecordName) => `${model} ${id}`

/**
 * For routes with `:uid`, whose query may have the id of a sign-in: reads at once what follows would
 * read one after the other.
 */
export function withPageRecords({ store }: { readonly store: Store }): RequestHandler {
  return async (req, _res, next) => {
    const names: RecordName[] = models.map(model => ({ model, id: String(req.params['uid']) }))
    const { sign_in } = req.query
    if (typeof sign_in === 'string') names.push({ model: 'PendingConsent', id: sign_in })
    const found = await findRecords(store, names)
    page_records.run(new Map(names.map((name, index) => [nameOf(name), found[index]])), next)
  }
}

/**
 * As `findRecord`, the first time within a page as it was when the page began. Whoever looks again may
 * have written meanwhile, and is told what there is now.
 */
export async function findPageRecord(
  store: Store,
  model: PageModel,
  id: string,
): Promise<StoredRecord | undefined> {
  const page = page_records.getStore()
  const name = nameOf({ model, id })
  if (!page?.has(name)) return findRecord(store, model, id)
  const found = page.get(name)
  page.delete(name)
  return found
}

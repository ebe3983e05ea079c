import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestHandler } from 'express'
import type { StoredRecord } from '../../../storage/record-row.ts'
import { findRecord, findRecords } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'

/** What every page of an authorization request begins with, all found by its uid. */
const models = ['InteractionClient', 'Interaction', 'InteractionBrowser'] as const
type PageModel = (typeof models)[number]

interface PageRecords {
  readonly uid: string
  /** Those that nobody has taken yet; undefined for one that is not there. */
  readonly left: Map<string, StoredRecord | undefined>
}

const page_records = new AsyncLocalStorage<PageRecords>()

/** For routes with `:uid`: reads at once what follows would read one after the other. */
export function withPageRecords({ store }: { readonly store: Store }): RequestHandler {
  return async (req, _res, next) => {
    const uid = String(req.params['uid'])
    const found = await findRecords(store, models, uid)
    page_records.run({ uid, left: new Map(models.map(model => [model, found.get(model)])) }, next)
  }
}

/**
 * As `findRecord`, the first time within a page as it was when the page began. Whoever looks again may
 * have written meanwhile, and is told what there is now.
 */
export async function findPageRecord(
  store: Store,
  model: PageModel,
  uid: string,
): Promise<StoredRecord | undefined> {
  const page = page_records.getStore()
  if (page?.uid !== uid || !page.left.has(model)) return findRecord(store, model, uid)
  const found = page.left.get(model)
  page.left.delete(model)
  return found
}

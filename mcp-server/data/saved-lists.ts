import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { ProductDatabase } from './database.ts'
import { visibleRows } from './visible-rows.ts'

/** The lists of an org with their companies, as far as the org may see those. */
export async function savedLists(db: ProductDatabase, org_id: string) {
  const [lists, items] = await Promise.all([
    visibleRows(db, org_id)
      .selectFrom('saved_lists')
      .select(['id', 'name'])
      .orderBy('name')
      .orderBy('id')
      .execute(),
    visibleRows(db, org_id)
      .selectFrom('saved_list_items')
      .innerJoin('companies', 'companies.id', 'saved_list_items.company_id')
      .select(['saved_list_items.list_id', 'companies.id', 'companies.name'])
      .orderBy('companies.name')
      .orderBy('companies.id')
      .execute(),
  ])
  return lists.map(list => ({
    ...list,
    companies: items.filter(item => item.list_id === list.id).map(({ id, name }) => ({ id, name })),
  }))
}

export interface Addition {
  readonly list: { readonly id: string } | { readonly name: string }
  readonly company_id: string
  readonly added_by: string
  /** Until the transaction is about to be committed, nothing is written once it has aborted. */
  readonly signal: AbortSignal
}

/**
 * Puts a company on a list of the org, in one transaction. A name that no list has yet makes a new
 * one. Doing it again changes nothing. 'no_company' or 'no_list' when the org does not see such.
 * Rejects with the signal's reason.
 */
export function addToList(db: ProductDatabase, org_id: string, addition: Addition) {
  return db.transaction().execute(async transaction => {
    const company = await visibleRows(transaction, org_id)
      .selectFrom('companies')
      .select(['id', 'name'])
      .where('id', '=', addition.company_id)
      .executeTakeFirst()
    if (company === undefined) return 'no_company'
    const list_created =
      'name' in addition.list && (await createList(transaction, org_id, addition.list.name))
    const list = await findList(transaction, org_id, addition.list)
    if (list === undefined) return 'no_list'
    const inserted = await transaction
      .insertInto('product.saved_list_items')
      .values({ list_id: list.id, company_id: company.id, org_id, added_by: addition.added_by })
      .onConflict(conflict => conflict.columns(['list_id', 'company_id']).doNothing())
      .returning('list_id')
      .execute()
    addition.signal.throwIfAborted()
    return { list, company, added: inserted.length > 0, list_created }
  })
}

function findList(db: ProductDatabase, org_id: string, list: Addition['list']) {
  const lists = visibleRows(db, org_id).selectFrom('saved_lists').select(['id', 'name'])
  return (
    'id' in list
      ? lists.where('id', '=', list.id)
      : lists.where(sql<boolean>`lower(name) = lower(${list.name})`)
  ).executeTakeFirst()
}

/** True when there was none of that name; two at once make one list. */
async function createList(db: ProductDatabase, org_id: string, name: string): Promise<boolean> {
  const { rows } = await sql`
    insert into product.saved_lists (id, org_id, name)
    values (${`lst_${randomUUID()}`}, ${org_id}, ${name})
    on conflict (org_id, lower(name)) do nothing
    returning id`.execute(db)
  return rows.length > 0
}

import { sql } from 'kysely'
import type { ProductDatabase } from './database.ts'
import { visibleRows } from './visible-rows.ts'

export interface CompanySearch {
  readonly query?: string | undefined
  readonly sector?: string | undefined
  readonly country?: string | undefined
  /** The last company of the page before. */
  readonly after?: { readonly name: string; readonly id: string } | undefined
  readonly limit: number
}

const card = ['id', 'name', 'sector', 'country', 'city', 'founded', 'employees'] as const

/**
 * The companies an org may see, by name. The order is that of the bytes, the same on every server
 * whatever its locale, so a cursor keeps its meaning.
 */
export function searchCompanies(db: ProductDatabase, org_id: string, search: CompanySearch) {
  const name = sql<string>`name collate "C"`
  let found = visibleRows(db, org_id).selectFrom('companies').select(card)
  const { query, sector, country, after } = search
  if (query !== undefined) {
    const pattern = `%${query.replaceAll(/[\\%_]/g, '\\$&')}%`
    found = found.where(row =>
      row.or([row('name', 'ilike', pattern), row('description', 'ilike', pattern)]),
    )
  }
  if (sector !== undefined) found = found.where('sector', '=', sector)
  if (country !== undefined) found = found.where('country', '=', country)
  if (after !== undefined) {
    found = found.where(sql<boolean>`(${name}, id) > (${after.name}, ${after.id})`)
  }
  return found.orderBy(name).orderBy('id').limit(search.limit).execute()
}

/** A company with its people and funding rounds; undefined when this org may not see it. */
export async function findCompany(db: ProductDatabase, org_id: string, id: string) {
  const company = await visibleRows(db, org_id)
    .selectFrom('companies')
    .select([...card, 'description'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (company === undefined) return undefined
  const [people, funding_rounds] = await Promise.all([
    visibleRows(db, org_id)
      .selectFrom('people')
      .select(['id', 'name', 'title'])
      .where('company_id', '=', id)
      .orderBy('id')
      .execute(),
    visibleRows(db, org_id)
      .selectFrom('funding_rounds')
      .select(['id', 'stage', 'announced_on', 'amount_usd', 'lead_investor'])
      .where('company_id', '=', id)
      .orderBy('announced_on')
      .orderBy('id')
      .execute(),
  ])
  return { ...company, people, funding_rounds }
}

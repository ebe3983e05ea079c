import { sql } from 'kysely'
import type { ProductDatabase } from './database.ts'
import { generateProductRows } from './generate.ts'

/** A lock's name is a number; this one is nobody else's here. */
const SEED_LOCK = 6_002_017

/**
 * Puts the sample data into empty tables, all of it or nothing. Where there is a company already,
 * nothing is touched. True when it wrote. Two servers may start together.
 */
export function seedProduct(db: ProductDatabase): Promise<boolean> {
  return db.transaction().execute(async transaction => {
    await sql`select pg_advisory_xact_lock(${SEED_LOCK})`.execute(transaction)
    const any = await transaction
      .selectFrom('product.companies')
      .select('id')
      .limit(1)
      .executeTakeFirst()
    if (any !== undefined) return false
    const rows = generateProductRows()
    await transaction.insertInto('product.companies').values(rows['product.companies']).execute()
    await transaction.insertInto('product.people').values(rows['product.people']).execute()
    await transaction
      .insertInto('product.funding_rounds')
      .values(rows['product.funding_rounds'])
      .execute()
    await transaction
      .insertInto('product.saved_lists')
      .values(rows['product.saved_lists'])
      .execute()
    await transaction
      .insertInto('product.saved_list_items')
      .values(rows['product.saved_list_items'])
      .execute()
    return true
  })
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { generateProductRows } from '../../../mcp-server/data/generate.ts'
import { openProductDatabase, type ProductDatabase } from '../../../mcp-server/data/database.ts'
import { migrateProduct } from '../../../mcp-server/data/migrate.ts'
import { seedProduct } from '../../../mcp-server/data/seed.ts'
import { visibleRows } from '../../../mcp-server/data/visible-rows.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
let db: ProductDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  db = openProductDatabase(database.url, () => undefined)
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

const companies = () => db.selectFrom('product.companies').selectAll().orderBy('id').execute()

describe('the product data', () => {
  it('is migrated and written once, also by two servers that start together', async () => {
    const wrote = await Promise.all(
      [1, 2].map(async () => {
        await migrateProduct(db)
        return seedProduct(db)
      }),
    )
    expect(wrote.sort()).toEqual([false, true])
    expect(await companies()).toEqual(generateProductRows()['product.companies'])
  })

  it.each(['companies', 'people', 'funding_rounds', 'saved_lists', 'saved_list_items'] as const)(
    'M02 shows an org no row of another one in %s',
    async table => {
      for (const org of ['acme', 'globex', 'nobody']) {
        const rows = await visibleRows(db, org).selectFrom(table).select('org_id').execute()
        const owners = new Set(rows.map(({ org_id }) => org_id))
        const shared = table.startsWith('saved_') ? [] : [null]
        expect(owners).toEqual(new Set(org === 'nobody' ? shared : [...shared, org]))
      }
    },
  )

  it('is left alone at the next start, changed rows too', async () => {
    await db
      .updateTable('product.companies')
      .set({ name: 'Changed' })
      .where('id', '=', 'cmp_0001')
      .execute()
    const before = await companies()
    await migrateProduct(db)
    expect(await seedProduct(db)).toBe(false)
    expect(await companies()).toEqual(before)
  })

  it('is written whole or not at all', async () => {
    await db.deleteFrom('product.saved_list_items').execute()
    await db.deleteFrom('product.people').execute()
    await db.deleteFrom('product.funding_rounds').execute()
    await db.deleteFrom('product.companies').execute()
    // The lists are still there, so the sample's cannot be written.
    await expect(seedProduct(db)).rejects.toThrow(/saved_lists/)
    expect(await companies()).toEqual([])
  })

  it('keeps an item from belonging to another org than its list', async () => {
    await db.deleteFrom('product.saved_lists').execute()
    await seedProduct(db)
    const foreign = { list_id: 'lst_0001', company_id: 'cmp_0200', org_id: 'globex', added_by: 'x' }
    await expect(
      db.insertInto('product.saved_list_items').values(foreign).execute(),
    ).rejects.toThrow(/foreign key/)
  })
})

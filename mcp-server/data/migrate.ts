import { type Migration, Migrator } from 'kysely/migration'
import type { ProductDatabase } from './database.ts'
import * as product from './migrations/001-product.ts'

/** In order of their names; a released one is never changed or removed. */
const migrations: Record<string, Migration> = { '001-product': product }

/**
 * Brings the tables in the schema `product` up to date, in one transaction and under a lock, so
 * two servers may start together. Its bookkeeping lies in that schema, apart from storage's.
 */
export async function migrateProduct(db: ProductDatabase): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableSchema: 'product',
    migrationTableName: 'product_migrations',
    migrationLockTableName: 'product_migrations_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) {
    throw new Error('the product data could not be migrated; it is as it was before', {
      cause: error,
    })
  }
}

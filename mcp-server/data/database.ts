import type { Kysely } from 'kysely'
import { openDatabase } from '../../storage/database.ts'
import type { ProductTables } from './tables.ts'

export type ProductDatabase = Kysely<ProductTables>

/**
 * The product's data, over a pool of its own, so that slow queries of tools never keep an audit
 * event waiting. Nothing connects before the first query; `destroy()` closes it.
 */
export function openProductDatabase(
  url: string,
  on_error: (error: Error) => void,
): ProductDatabase {
  return openDatabase(url, { application_name: 'mcp-server-product', on_error })
    .$extendTables<ProductTables>()
    .$pickTables<keyof ProductTables>()
}

import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Any numbers that nobody else uses: Kysely's migrations have a lock of their own. */
const locks = { rows: 7_316_402, audit_trail: 7_316_403 } as const

/**
 * Runs work in a transaction while no other replica does. Undefined when another one is at it. The
 * lock belongs to the transaction, so it is free again when a replica dies.
 */
export function underHousekeepingLock<T>(
  db: Database,
  lock: keyof typeof locks,
  work: (transaction: Database) => Promise<T>,
): Promise<T | undefined> {
  return db.transaction().execute(async transaction => {
    const { rows } = await sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(${locks[lock]}) as taken`.execute(transaction)
    return rows[0]?.taken ? work(transaction) : undefined
  })
}

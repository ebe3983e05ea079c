import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The database was given so much time for a question, and it was not enough. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong'
}

/** SQLSTATE of a statement that the server ended. */
const query_canceled = '57014'

/**
 * Reads within one transaction in which no statement takes longer than `limit`, milliseconds.
 * Rejects with TookTooLong when one would have.
 */
export async function readWithin<T>(
  db: Database,
  limit: number,
  read: (db: Database) => Promise<T>,
): Promise<T> {
  try {
    return await db
      .transaction()
      .setAccessMode('read only')
      .execute(async transaction => {
        await sql`set local statement_timeout = ${sql.lit(limit)}`.execute(transaction)
        return read(transaction)
      })
  } catch (error) {
    if (isOutOfTime(error))
      throw new TookTooLong(`the database did not answer within ${limit} ms`, { cause: error })
    throw error
  }
}

/** Whether the database ended a statement because it took too long. */
export function isOutOfTime(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === query_canceled
}

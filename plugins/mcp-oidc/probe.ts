import { sql } from 'kysely'
import type { Database } from '../../storage/database.ts'
import type { Log } from './log.ts'

/**
 * Makes the question whether the database answers, migrated. Those who ask at the same time share
 * one answer: Kong has many instances of a configuration, and all of them are asked.
 */
export function createProbe(
  db: Database,
  ready: () => Promise<void>,
  log: Log,
): () => Promise<void> {
  let asking: Promise<void> | undefined
  const ask = async () => {
    try {
      await ready()
      await sql`select 1`.execute(db)
    } catch (error) {
      log.warn({ err: error }, 'the database does not answer')
      throw new Error('the database does not answer', { cause: error })
    }
  }
  return () =>
    (asking ??= ask().finally(() => {
      asking = undefined
    }))
}

import { sql } from 'kysely'
import { KeysDiffer } from '../../storage/agree-on-keys.ts'
import type { Database } from '../../storage/database.ts'
import { DatabaseIsNewer } from '../../storage/migrate.ts'
import type { Log } from './log.ts'

/**
 * Makes the question whether the database answers, migrated and with our keys. Those who ask at the same time share
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
      if (error instanceof KeysDiffer || error instanceof DatabaseIsNewer) {
        log.error({ err: error }, 'this release or its keys do not belong to the database')
        throw new Error(
          error instanceof KeysDiffer
            ? 'the keys are not those of the other replicas'
            : 'the database is newer than this release',
          { cause: error },
        )
      }
      log.warn({ err: error }, 'the database does not answer')
      throw new Error('the database does not answer', { cause: error })
    }
  }
  return () =>
    (asking ??= ask().finally(() => {
      asking = undefined
    }))
}

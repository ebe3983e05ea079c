import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from './database.ts'
import * as oidcRecords from './migrations/001-oidc-records.ts'
import * as connections from './migrations/002-connections.ts'
import * as auditEvents from './migrations/003-audit-events.ts'
import * as connectionLife from './migrations/004-connection-life.ts'
import * as retention from './migrations/005-retention.ts'
import * as unusedClients from './migrations/006-unused-clients.ts'
import * as approvals from './migrations/007-approvals.ts'
import * as orgClients from './migrations/008-org-clients.ts'
import * as auditPartitions from './migrations/009-audit-partitions.ts'
import * as auditSearch from './migrations/011-audit-search.ts'
import * as clientKind from './migrations/012-client-kind.ts'
import * as consoleTables from './migrations/013-console.ts'
import * as keyRings from './migrations/014-key-rings.ts'

const TABLE = 'storage_migrations'

/** In order of their names; a released one is never changed or removed. */
const migrations: Record<string, Migration> = {
  '001-oidc-records': oidcRecords,
  '002-connections': connections,
  '003-audit-events': auditEvents,
  '004-connection-life': connectionLife,
  '005-retention': retention,
  '006-unused-clients': unusedClients,
  '007-approvals': approvals,
  '008-org-clients': orgClients,
  '009-audit-partitions': auditPartitions,
  '011-audit-search': auditSearch,
  '012-client-kind': clientKind,
  '013-console': consoleTables,
  '014-key-rings': keyRings,
}

/** A newer release has migrated the database. */
export class DatabaseIsNewer extends Error {
  override readonly name = 'DatabaseIsNewer'
  constructor(unknown: readonly string[]) {
    super(
      `the database is newer than this release, which does not know ${unknown.join(', ')}; ` +
        'run the newer release, or restore a backup made before it',
    )
  }
}

/**
 * Brings the tables up to date in one transaction. Two processes may start together: Kysely holds
 * an advisory lock, so the second waits (as long as the database's statement timeout) and then
 * finds nothing to do.
 *
 * Rejects with {@link DatabaseIsNewer} when the database has migrations this release does not know.
 */
export async function migrate(db: Database): Promise<void> {
  await refuseNewerDatabase(db)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName
  throw new Error(
    failed === undefined
      ? 'the database could not be migrated'
      : `migration ${failed} failed; the database is as it was before`,
    { cause: error },
  )
}

async function refuseNewerDatabase(db: Database): Promise<void> {
  const table = await sql<{ found: boolean }>`
    select to_regclass(${TABLE}) is not null as found`.execute(db)
  if (table.rows[0]?.found !== true) return
  const applied = await sql<{ name: string }>`
    select name from ${sql.table(TABLE)} order by name`.execute(db)
  const unknown = applied.rows.map(({ name }) => name).filter(name => !(name in migrations))
  if (unknown.length === 0) return
  throw new DatabaseIsNewer(unknown)
}

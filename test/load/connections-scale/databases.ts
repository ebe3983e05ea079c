import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { startPostgres } from '../../../gateway/local/postgres.ts'
import type { Parts } from '../../../gateway/local/stack/parts.ts'
import { openDatabase } from '../../../storage/database.ts'
import type { KeyRing } from '../../../storage/key-ring.ts'
import { migrate } from '../../../storage/migrate.ts'
import { fill } from './fill.ts'
import type { Filled } from './measure.ts'

/** A database with so many active connections, some of which open. */
export interface FilledDatabase extends Filled {
  readonly url: string
  readonly connections: number
}

export interface FilledDatabasesOptions {
  /** Connections of each database. */
  readonly sizes: readonly number[]
  /** Connections of each, at the most, that open: those that work is done with. */
  readonly real: number
  /** What they are sealed with. */
  readonly ring: KeyRing
  /** Gets what is to be stopped. */
  readonly parts: Pick<Parts, 'add'>
  readonly report: (line: string) => void
}

/**
 * Fills databases in a PostgreSQL of their own, which does not wait for the disk: that would take as long
 * for a small database as for a large one, and hide the difference.
 */
export async function openFilledDatabases(
  options: FilledDatabasesOptions,
): Promise<readonly FilledDatabase[]> {
  const { parts, real, report, ring, sizes } = options
  const folder = await mkdtemp(join(tmpdir(), 'connections-scale-'))
  await chmod(folder, 0o711) // when root runs this, PostgreSQL's account passes through it
  parts.add('folder', () => rm(folder, { recursive: true, force: true }))
  const postgres = await startPostgres({
    data_directory: join(folder, 'postgres'),
    settings: { fsync: 'off', synchronous_commit: 'off', max_wal_size: '4GB' },
  })
  parts.add('PostgreSQL', () => postgres.stop())
  const databases: FilledDatabase[] = []
  for (const connections of sizes) {
    report(`Filling a database with ${connections} connections`)
    const url = await createDatabase(postgres.url, `connections_${connections}`)
    const db = openDatabase(url, { max: 8, statement_timeout: 0 })
    parts.add(`database of ${connections}`, () => db.destroy())
    await migrate(db)
    const store = { db, ring }
    const made = await fill(store, connections, Math.min(real, connections), report)
    databases.push({ url, connections, store, real: made })
  }
  return databases
}

async function createDatabase(server_url: string, name: string): Promise<string> {
  const server = openDatabase(server_url, { max: 1 })
  await sql`create database ${sql.ref(name)}`.execute(server)
  await server.destroy()
  return Object.assign(new URL(server_url), { pathname: `/${name}` }).href
}

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { openDatabase } from '../../storage/database.ts'
import { migrate } from '../../storage/migrate.ts'

export interface TestDatabase {
  readonly url: string
  /** Removes the database, also from under connections that are still open. */
  drop(): Promise<void>
}

/** Every worker of one run copies the same migrated database. */
const TEMPLATE = 'migrated_template'
const TEMPLATE_LOCK = 6_002_001

/** A migrated, empty database of one's own, made in some ten milliseconds. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createFrom(TEMPLATE, makeTemplate)
}

/** A database without any table, for tests of the migrations themselves. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createFrom('template1', () => Promise.resolve())
}

async function createFrom(template: string, prepare: (client: pg.Client) => Promise<void>) {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asSuperuser(async client => {
    await prepare(client)
    await client.query(`create database ${name} template ${template}`)
  })
  return {
    url: urlOf(name),
    drop: () =>
      asSuperuser(async client => {
        await client.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

/** One worker makes it under a lock; it gets its name when it is complete. */
async function makeTemplate(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE])
  if (rowCount === 0) {
    const unfinished = `${TEMPLATE}_new`
    await client.query(`drop database if exists ${unfinished} with (force)`)
    await client.query(`create database ${unfinished}`)
    const db = openDatabase(urlOf(unfinished), { max: 1 })
    try {
      await migrate(db)
    } finally {
      await db.destroy()
    }
    await client.query(`alter database ${unfinished} rename to ${TEMPLATE}`)
  }
  await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK])
}

async function asSuperuser(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.href
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL
  if (url === undefined) throw new Error('TEST_DATABASE_URL is set by test/support/global-setup.ts')
  return url
}

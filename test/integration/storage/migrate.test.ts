import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { migrate } from '../../../storage/migrate.ts'
import { createEmptyDatabase, type TestDatabase } from '../../support/database.ts'

const all = ['001-oidc-records', '002-connections', '003-audit-events', '004-connection-life']

describe('migrate', () => {
  let database: TestDatabase
  let db: Database

  beforeEach(async () => {
    database = await createEmptyDatabase()
    db = openDatabase(database.url)
  })

  afterEach(async () => {
    await db.destroy()
    await database.drop()
  })

  const tables = async () => (await db.introspection.getTables()).map(({ name }) => name)
  const applied = async () => {
    const { rows } = await sql<{ name: string }>`
      select name from storage_migrations order by name`.execute(db)
    return rows.map(({ name }) => name)
  }

  it('K05 makes every table once when four processes start together', async () => {
    const replicas = Array.from({ length: 4 }, () => openDatabase(database.url))
    await Promise.all(replicas.map(migrate))
    await Promise.all(replicas.map(replica => replica.destroy()))
    expect(await tables()).toEqual(
      expect.arrayContaining(['audit_events', 'connections', 'oidc_records']),
    )
    expect(await applied()).toEqual(all)
  })

  it('changes nothing when it runs again', async () => {
    await migrate(db)
    await sql`insert into audit_events (type, outcome) values ('token', 'ok')`.execute(db)
    await migrate(db)
    expect(await applied()).toEqual(all)
    const events = await db.selectFrom('audit_events').select('type').execute()
    expect(events).toEqual([{ type: 'token' }])
  })

  it('works with a single connection', async () => {
    const single = openDatabase(database.url, { max: 1 })
    await migrate(single)
    await single.destroy()
    expect(await applied()).toEqual(all)
  })

  it('refuses a database that a newer release has used', async () => {
    await migrate(db)
    await sql`insert into storage_migrations (name, timestamp)
      values ('999-from-the-future', '2030-01-01T00:00:00.000Z')`.execute(db)
    await expect(migrate(db)).rejects.toThrow(/newer than this release.*999-from-the-future/)
  })

  it('names the migration that failed, and leaves the database as it was', async () => {
    await sql`create table connections (unrelated int)`.execute(db)
    await expect(migrate(db)).rejects.toThrow('migration 002-connections failed')
    expect(await tables()).not.toContain('oidc_records')
  })
})

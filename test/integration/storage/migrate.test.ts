import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { migrate } from '../../../storage/migrate.ts'
import * as one from '../../../storage/migrations/001-oidc-records.ts'
import * as two from '../../../storage/migrations/002-connections.ts'
import * as three from '../../../storage/migrations/003-audit-events.ts'
import { createEmptyDatabase, type TestDatabase } from '../../support/database.ts'

const all = (await readdir(new URL('../../../storage/migrations/', import.meta.url)))
  .map(file => basename(file, '.ts'))
  .sort()

/** A database as the release before connections had a life of their own left it, with two of them. */
async function useRelease003(db: Database): Promise<void> {
  const migrations = { '001-oidc-records': one, '002-connections': two, '003-audit-events': three }
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName: 'storage_migrations',
    migrationLockTableName: 'storage_migrations_lock',
  }).migrateToLatest()
  expect(error).toBeUndefined()
  await sql`
    insert into connections (id, user_id, org_id, client_id, idp_id, expires_at, profile, status,
      ended_reason)
    select id, 'usr_a', 'acme', 'client', 'okta', now() + interval '1 day', '\\x00', status, reason
    from (values ('old', 'ended', 'revoked'), ('on', 'active', null)) each (id, status, reason)`.execute(
    db,
  )
}

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

  it('K05 takes the connections of an older release over, when two processes start together', async () => {
    await useRelease003(db)
    const replicas = [openDatabase(database.url), openDatabase(database.url)]
    await Promise.all(replicas.map(migrate))
    await Promise.all(replicas.map(replica => replica.destroy()))
    expect(await applied()).toEqual(all)
    const found = await db
      .selectFrom('connections')
      .select(['id', 'ended_reason', 'ended_at'])
      .orderBy('id')
      .execute()
    expect(found).toEqual([
      { id: 'old', ended_reason: 'revoked', ended_at: expect.any(Date) },
      { id: 'on', ended_reason: null, ended_at: null },
    ])
  })

  it('M05 K05 takes the audit trail of an older release over: no event is lost or changed', async () => {
    await useRelease003(db)
    await sql`
      insert into audit_events (type, outcome, user_id, org_id, at)
      select 'token', 'ok', 'usr_' || n, 'acme', now() - n * interval '1 day'
      from generate_series(0, 999) n`.execute(db)
    const events = async () => {
      const { rows } = await sql<{ digest: string; events: number }>`
        select count(*)::int as events,
          md5(string_agg(concat_ws(' ', id, at, type, outcome, user_id, org_id), ';' order by id))
            as digest
        from audit_events`.execute(db)
      return rows[0]
    }
    const before = await events()
    await migrate(db)
    expect(await events()).toEqual(before)
    expect(before?.events).toBe(1_000)
    await sql`insert into audit_events (type, outcome) values ('token', 'ok')`.execute(db)
    const { rows } = await sql<{ id: number; partition: string }>`
      select id, tableoid::regclass::text as partition from audit_events
      order by id desc limit 1`.execute(db)
    expect(rows).toEqual([{ id: 1_001, partition: 'audit_events_first' }])
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

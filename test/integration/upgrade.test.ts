import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import pg from 'pg'
import { parseConfig, type Settings } from '../../plugins/mcp-oidc/config/settings.ts'
import { createRuntime, type Runtime } from '../../plugins/mcp-oidc/runtime.ts'
import { findIdpStanding } from '../../storage/connection-lease.ts'
import { findConnection } from '../../storage/connections.ts'
import { type Database, openDatabase } from '../../storage/database.ts'
import { rawConfig } from '../support/config.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/fake-kong.ts'
import { refresh } from '../support/oauth-flow.ts'

/** What an older release had beside its database, and what it gave its client. */
interface Before {
  readonly issuer: string
  readonly idp: string
  readonly signing_keys: string
  readonly storage_keys: string
  readonly cookie_keys: string
  readonly client_id: string
  readonly refresh_token: string
  readonly connection_id: string
  readonly user_id: string
  readonly org_id: string
  readonly email: string
}

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/upgrade/${name}`, import.meta.url), 'utf8')

/**
 * The database as the release with migration 009 left it: a client, a connection with its refresh
 * token, a remembered approval, an audit trail; pg_dump wrote it. Its release's clock stood forty
 * years ahead, so that nothing in it expires.
 */
const before = JSON.parse(fixture('009.json')) as Before

describe('a database of an older release', () => {
  let database: TestDatabase
  let db: Database
  let runtime: Runtime
  let settings: Settings
  const log = recordingLog()

  beforeEach(async () => {
    database = await createEmptyDatabase()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(fixture('009.sql'))
    // Whether the person still has access was asked a moment ago: its identity provider is no more.
    await client.query('update public.connections set idp_asked_at = now()')
    await client.end()
    db = openDatabase(database.url)
    const { signing_keys, storage_keys, cookie_keys, issuer } = before
    const raw = rawConfig({
      ...{ signing_keys, storage_keys, cookie_keys, issuer, database_url: database.url },
      identity_providers: [
        {
          ...{ id: 'dev', name: 'Company', issuer: before.idp, client_id: 'mcp-oidc-gateway' },
          ...{ client_secret: 'x', orgs: ['acme', 'globex'], org_claim: 'orgs' },
        },
      ],
    })
    settings = parseConfig(raw).settings
    runtime = createRuntime(settings, log, Date.now)
  })
  afterEach(async () => {
    await runtime.close()
    await db.destroy()
    await database.drop()
  })

  const store = () => ({ db, ring: settings.storage_keys })

  it('K05 T10 serves its connection after the migration: the client refreshes and is let in', async () => {
    await runtime.ready()
    const server = createServer(runtime.app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const { client_id, refresh_token, connection_id } = before
      const { status, body } = await refresh(url, client_id, refresh_token)
      expect([status, body.error]).toEqual([200, undefined])
      const verdict = await runtime.door.judge({ kind: 'bearer', token: body.access_token })
      expect(verdict).toMatchObject({ refused: false })
      expect(await findConnection(store(), connection_id)).toMatchObject({
        status: 'active',
        user_id: before.user_id,
        org_id: before.org_id,
        profile: { email: before.email },
      })
      const next = await refresh(url, client_id, body.refresh_token)
      expect(next.status).toBe(200)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  it('K01 opens what was sealed, and keeps the trail and the remembered approval', async () => {
    const count = async () => {
      const { rows } = await sql<{ events: number; approvals: number }>`
        select (select count(*)::int from audit_events) as events,
          (select count(*)::int from approvals) as approvals`.execute(db)
      return rows[0]
    }
    const had = await count()
    expect(had).toEqual({ events: 5, approvals: 1 })
    await runtime.ready()
    expect(await count()).toEqual(had)
    const standing = await findIdpStanding(store(), before.connection_id)
    expect(standing?.idp_refresh_token).toMatch(/^\S{20,}$/)
  })
})

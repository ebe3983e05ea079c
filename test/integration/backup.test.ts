import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { recordAuditEvent } from '../../storage/audit.ts'
import { findIdpStanding } from '../../storage/connection-lease.ts'
import { createConnection, findConnection } from '../../storage/connections.ts'
import { openDatabase } from '../../storage/database.ts'
import { parseKeyRing } from '../../storage/key-ring.ts'
import { migrate } from '../../storage/migrate.ts'
import { findRecord, upsertRecord } from '../../storage/records.ts'
import { secretRing } from '../support/config.ts'
import { type DebianPostgres, startDebianPostgres } from '../support/debian-postgres.ts'
import { runnableBlock } from '../support/runnable-docs.ts'

describe('the commands of docs/backup.md', () => {
  let postgres: DebianPostgres
  let folder: string
  beforeAll(async () => {
    postgres = await startDebianPostgres()
    folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-backup-'))
  }, 60_000)
  afterAll(async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function createDatabase(name: string): Promise<string> {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(`create database ${name}`)
    await client.end()
    return postgres.url.replace(/\/postgres$/, `/${name}`)
  }
  const run = (name: string, DATABASE_URL: string) =>
    promisify(execFile)('bash', ['-euo', 'pipefail', '-c', runnableBlock(name)], {
      cwd: folder,
      env: { PATH: `${postgres.programs}:/usr/bin:/bin`, DATABASE_URL },
    })

  it('K01 K05 bring a connection, its sealed tokens and the trail back into an empty database', async () => {
    const ring = parseKeyRing(secretRing())
    const from = await createDatabase('before')
    const db = openDatabase(from)
    await migrate(db)
    await createConnection(
      { db, ring },
      {
        ...{
          id: 'con_1',
          user_id: 'usr_alice',
          org_id: 'acme',
          client_id: 'client',
          idp_id: 'dev',
        },
        expires_at: new Date(Date.now() + 86_400_000),
        profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: 'alice' },
        idp_refresh_token: 'the token of the identity provider',
      },
    )
    await upsertRecord(
      { db, ring },
      'RefreshToken',
      'the-token',
      { grantId: 'con_1' },
      {
        expires_at: new Date(Date.now() + 86_400_000),
      },
    )
    await recordAuditEvent(db, { type: 'consent', outcome: 'ok', user_id: 'usr_alice' })
    await db.destroy()
    await run('backup', from)

    const to = await createDatabase('after')
    await run('restore', to)
    const restored = openDatabase(to)
    await migrate(restored)
    const store = { db: restored, ring }
    expect(await findConnection(store, 'con_1')).toMatchObject({
      status: 'active',
      profile: { email: 'alice@acme.example', roles: ['admin'] },
    })
    expect(await findIdpStanding(store, 'con_1')).toMatchObject({
      idp_refresh_token: 'the token of the identity provider',
    })
    expect(await findRecord(store, 'RefreshToken', 'the-token')).toMatchObject({
      payload: { grantId: 'con_1' },
    })
    const events = await restored.selectFrom('audit_events').select('type').execute()
    expect(events).toEqual([{ type: 'consent' }])
    // The sequence went along: a further event does not meet the number of an older one.
    await recordAuditEvent(restored, { type: 'consent', outcome: 'ok', user_id: 'usr_alice' })
    await restored.destroy()
  })
})

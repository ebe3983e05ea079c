import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { parseConfig } from '../../../../plugins/mcp-oidc/config/settings.ts'
import { createRuntime, type Runtime } from '../../../../plugins/mcp-oidc/runtime.ts'
import { type Database, openDatabase } from '../../../../storage/database.ts'
import { rawConfig, secretRing, signingRing } from '../../../support/config.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts'
import { recordingLog } from '../../../support/fake-kong.ts'
import { runCommand } from '../../../support/run-command.ts'

describe('a start that is refused', () => {
  let database: TestDatabase
  let db: Database
  const open: Runtime[] = []
  beforeEach(async () => {
    database = await createTestDatabase()
    db = openDatabase(database.url)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(runtime => runtime.close()))
    await db.destroy()
    await database.drop()
  })

  function replica(raw: Readonly<Record<string, unknown>>) {
    const log = recordingLog()
    const { settings } = parseConfig(rawConfig({ ...raw, database_url: database.url }))
    const runtime = createRuntime(settings, log, Date.now)
    open.push(runtime)
    return { runtime, log }
  }
  const keys = () => ({
    signing_keys: signingRing('signing'),
    storage_keys: secretRing('storage'),
    cookie_keys: secretRing('cookie'),
  })

  it('K02 O04 a second replica with other keys of the same names serves nothing and says which', async () => {
    const first = keys()
    await replica(first).runtime.ready()
    const { runtime, log } = replica({ ...keys(), signing_keys: first.signing_keys })
    await expect(runtime.ready()).rejects.toThrow(
      /storage_keys: "storage" is another key there.*Give every replica the same rings/,
    )
    await expect(runtime.answers()).rejects.toThrow('the keys are not those of the other replicas')
    expect(log.entries).toContainEqual(expect.objectContaining({ level: 'error' }))
    await expect(replica(first).runtime.answers()).resolves.toBeUndefined()
  })

  it('K02 is over once the command has forgotten the ring', async () => {
    const first = keys()
    await replica(first).runtime.ready()
    const leaked = { ...first, signing_keys: signingRing('fresh') }
    const { runtime } = replica(leaked)
    await expect(runtime.ready()).rejects.toThrow(/signing_keys: lacks "signing"/)
    const { code, stdout } = await runCommand(
      'plugins/mcp-oidc/commands/keys/main.ts',
      ['forget', '--ring', 'signing'],
      { DATABASE_URL: database.url },
    )
    expect([code, stdout]).toEqual([0, expect.stringContaining('Forgotten')])
    await expect(runtime.ready()).resolves.toBeUndefined()
  })

  it('K05 O04 a database that is ahead of the release serves nothing and says what to do', async () => {
    await sql`insert into storage_migrations (name, timestamp) values ('999-of-tomorrow', '')`.execute(
      db,
    )
    const { runtime, log } = replica(keys())
    await expect(runtime.ready()).rejects.toThrow(
      /newer than this release, which does not know 999-of-tomorrow; run the newer release, or restore a backup/,
    )
    await expect(runtime.answers()).rejects.toThrow('the database is newer than this release')
    expect(log.entries).toContainEqual(expect.objectContaining({ level: 'error' }))

    const { code, stdout } = await runCommand('mcp-server/main.ts', [], {
      DATABASE_URL: database.url,
      GATEWAY_URL: 'https://gw.example',
      PORT: '0',
      METRICS_PORT: 'off',
    })
    expect(code).toBe(1)
    expect(stdout).toContain('run the newer release, or restore a backup made before it')
  })
})

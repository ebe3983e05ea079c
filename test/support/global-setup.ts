import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../gateway/local/postgres.ts'

declare global {
  var stopTestDatabases: (() => Promise<void>) | undefined
}

/**
 * One PostgreSQL for the whole run, reachable as TEST_DATABASE_URL; test/support/database.ts makes
 * a database in it for each test that wants one. It starts in well under a second, so a run
 * without database tests pays for it too. A TEST_DATABASE_URL that is set already is used instead.
 */
export default async function setUp(): Promise<void> {
  if (process.env.TEST_DATABASE_URL !== undefined) return
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-test-'))
  await chmod(folder, 0o711) // when root runs the tests, PostgreSQL's account passes through it
  const postgres = await startPostgres({
    data_directory: join(folder, 'postgres'),
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
      max_connections: '300',
      autovacuum: 'off',
    },
  })
  process.env.TEST_DATABASE_URL = postgres.url
  globalThis.stopTestDatabases = async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

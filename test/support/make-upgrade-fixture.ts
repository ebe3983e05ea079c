import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { secretRing, signingRing } from './config.ts'
import { startDebianPostgres } from './debian-postgres.ts'

/**
 * `node test/support/make-upgrade-fixture.ts FOLDER NAME`, run in a release: writes its database,
 * with a connection, its refresh token and a remembered approval, to NAME.sql, and what belongs to it
 * to NAME.json. test/integration/upgrade.test.ts holds later releases to it. The clock stands forty
 * years ahead, so that nothing in it expires.
 */
const [folder, name] = process.argv.slice(2)
if (folder === undefined || name === undefined) throw new Error('say FOLDER and NAME')

const ahead = 40 * 365 * 86_400_000
const now = Date.now.bind(Date)
Date.now = () => now() + ahead

const postgres = await startDebianPostgres()
process.env['TEST_DATABASE_URL'] = postgres.url
const { connect, openAuthorizationServer, token } = await import('./authorization-server.ts')
const keys = {
  signing_keys: signingRing(`signing-${name}`),
  storage_keys: secretRing(`storage-${name}`),
  cookie_keys: secretRing(`cookie-${name}`),
}
const server = await openAuthorizationServer(keys)
try {
  const email = 'alice@acme.example'
  const { client_id, redemption } = await connect(server.url, email, {}, { remember: 'yes' })
  const { body } = await token(server.url, redemption)
  const { refresh_token } = body
  const again = await token(server.url, { grant_type: 'refresh_token', client_id, refresh_token })
  if (again.status !== 200) throw new Error(`the refresh was refused: ${again.status}`)
  const row = await server.db.selectFrom('connections').selectAll().executeTakeFirstOrThrow()
  const dump = ['--inserts', '--no-owner', '--no-privileges', '--no-comments']
  const { stdout } = await promisify(execFile)(
    join(postgres.programs, 'pg_dump'),
    [...dump, server.database_url],
    { maxBuffer: 2 ** 26 },
  )
  // Without psql's own commands, comments and the clock that was ahead.
  const sql = stdout
    .split('\n')
    .filter(line => line !== '' && !/^(?:--|\\)/.test(line))
    .map(line =>
      /storage_migrations VALUES/.test(line)
        ? line.replace(/\d{4}(?=-\d\d-\d\dT)/, String(new Date(now()).getUTCFullYear()))
        : line,
    )
  await writeFile(join(folder, `${name}.sql`), `${sql.join('\n')}\n`)
  const known = {
    ...{ issuer: server.url, idp: server.idp_url, ...keys, client_id, email },
    refresh_token: again.body.refresh_token,
    ...{ connection_id: row.id, user_id: row.user_id, org_id: row.org_id },
  }
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(known, null, 2)}\n`)
} finally {
  await server.close()
  await postgres.stop()
}
process.exit(0)

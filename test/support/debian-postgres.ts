import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePorts } from '../../gateway/local/stack/ports.ts'

const run = promisify(execFile)

export interface DebianPostgres {
  /** `postgresql://postgres@127.0.0.1:PORT/postgres` */
  readonly url: string
  /** Where pg_dump and its like are: as old as the server, or they refuse to talk to it. */
  readonly programs: string
  stop(): Promise<void>
}

/** The newest PostgreSQL of Debian's that has a server. Throws naming the package when there is none. */
function newest(): string {
  const home = '/usr/lib/postgresql'
  const versions = existsSync(home) ? readdirSync(home) : []
  const programs = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map(version => join(home, version, 'bin'))
    .find(folder =>
      ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every(name => existsSync(join(folder, name))),
    )
  if (programs === undefined) throw new Error('this needs the Debian package postgresql')
  return programs
}

/**
 * PostgreSQL as Debian has it, in a folder of its own on a free port: with pg_dump and pg_restore,
 * which the one from npm comes without, and older, so what we do to the database works there too.
 */
export async function startDebianPostgres(): Promise<DebianPostgres> {
  const programs = newest()
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-debian-'))
  const account = await accountOf()
  await chmod(folder, 0o700)
  if (account) await chown(folder, account.uid, account.gid)
  const data = join(folder, 'data')
  const as = { ...account, cwd: '/', env: { PATH: programs, LC_ALL: 'C.UTF-8' } }
  await run(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8'],
    as,
  )
  const [port = 0] = await freePorts(1)
  const server = spawn(
    join(programs, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'fsync=off',
    ],
    { ...as, stdio: 'ignore' },
  )
  const ended = once(server, 'exit')
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  await untilItAnswers(url, ended)
  return {
    url,
    programs,
    async stop() {
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL does not run as root; the package brings an account for it. */
async function accountOf(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async which => Number((await run('id', [which, 'postgres'])).stdout)),
  )
  return { uid: uid ?? 0, gid: gid ?? 0 }
}

async function untilItAnswers(url: string, ended: Promise<unknown>): Promise<void> {
  let over: string | undefined
  void ended.then(() => (over = "Debian's postgres did not start"))
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (over !== undefined) throw new Error(over, { cause: error })
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

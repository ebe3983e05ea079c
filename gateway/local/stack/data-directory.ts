import { chmod, chown, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { postgresAccount } from '../postgres-home.ts'

/**
 * Makes the folder that everything is kept in, closed to other accounts (mode 0700). PostgreSQL
 * does not run as root: root's folder belongs to the account that it runs as, and root's own files
 * in it are closed to that one too. Gives the absolute path.
 */
export async function makeDataDirectory(directory: string): Promise<string> {
  const path = resolve(directory)
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (process.getuid?.() === 0) {
    const { uid, gid } = await postgresAccount(join(path, 'postgres'))
    if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
  }
  await chmod(path, 0o700)
  await mkdir(join(path, 'logs'), { recursive: true, mode: 0o700 })
  return path
}

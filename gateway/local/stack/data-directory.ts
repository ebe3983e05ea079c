import { chmod, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'

/**
 * Makes the folder that everything is kept in, closed to other accounts. Root's is one that others
 * may pass through but not list, because PostgreSQL does not run as root; what lies in it is
 * closed on its own. Gives the absolute path.
 */
export async function makeDataDirectory(directory: string): Promise<string> {
  const path = resolve(directory)
  await mkdir(path, { recursive: true })
  await chmod(path, process.getuid?.() === 0 ? 0o711 : 0o700)
  await mkdir(`${path}/logs`, { recursive: true, mode: 0o700 })
  return path
}

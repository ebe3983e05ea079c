import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Supervisor } from './supervisor.ts'

/** The longest path of a Unix socket, bytes, on the least generous system. */
const longest = 103

/** Where the plugin server listens: in the data folder, unless that is too deep for a socket. */
export async function socketPath(supervisor: Supervisor, data: string): Promise<string> {
  const path = join(data, 'plugin-server.sock')
  if (Buffer.byteLength(path) <= longest) return path
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-'))
  supervisor.add('socket folder', () => rm(folder, { recursive: true, force: true }))
  return join(folder, 'plugin-server.sock')
}

import { lstat, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:net'

/**
 * Listens on a path, in the place of whoever does so now. On `kong reload` a new plugin server starts
 * while the former one still has requests to finish: new connections come to the new one, and the
 * former keeps those it has. The socket is bound beside the path and moved there, so there is no
 * moment without one. It is never removed: it might be the next server's by then, and one that
 * nobody listens on is refused by the system just as well. Its mode is 0660: owner and group may connect, nobody else.
 *
 * @throws when the path is there and no socket, or cannot be listened on.
 */
export async function claimSocket(server: Server, path: string): Promise<void> {
  const former = await inode(path)
  if (former?.isSocket() === false) throw new Error(`${path} exists and is not a socket`)
  const beside = `${path}.${process.pid}`
  await rm(beside, { force: true })
  await listen(server, beside)
  await rename(beside, path)
}

function inode(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The mask is the whole process's, but the socket is bound before listen() returns.
    const umask = process.umask(0o117)
    try {
      server.listen({ path }, () => {
        server.off('error', reject)
        resolve()
      })
    } finally {
      process.umask(umask)
    }
  })
}

import { lstat, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'

/**
 * Makes room for a listening socket at a path: removes what a killed server left there.
 * @throws when the path is no socket, or somebody listens on it.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const file = await lstat(path).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (file === undefined) return
  if (!file.isSocket()) throw new Error(`${path} exists and is not a socket`)
  if (await answers(path)) throw new Error(`another plugin server listens on ${path}`)
  await rm(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', error => {
      if (isCode(error, 'ECONNREFUSED') || isCode(error, 'ENOENT')) resolve(false)
      else reject(error)
    })
  })
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}

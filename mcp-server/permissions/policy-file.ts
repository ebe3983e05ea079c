import { readFile } from 'node:fs/promises'
import { unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import type { Policy } from './policy.ts'

export interface PolicyFile {
  /** The policy in force. */
  readonly current: () => Policy
  readonly close: () => void
}

export interface PolicyFileOptions {
  readonly file: string
  /** Throws PolicyError with every problem. */
  readonly parse: (yaml: string) => Policy
  readonly log: Logger
  /** Milliseconds between two looks at the file; a mounted file may be replaced as a whole. */
  readonly interval: number
}

/**
 * Reads a policy and follows its changes. A version that is not valid is logged with every problem,
 * and the one before stays in force.
 *
 * @throws PolicyError when the first one is not valid; whatever reading the file throws
 */
export async function openPolicyFile(options: PolicyFileOptions): Promise<PolicyFile> {
  const { file, parse, log, interval } = options
  const read = () => readFile(file, 'utf8')
  let text = await read()
  let policy = parse(text)
  const reload = async () => {
    try {
      const next = await read()
      if (next === text) return
      text = next
      policy = parse(next)
      log.info({ file }, 'permissions reloaded')
    } catch (error) {
      log.error(
        { err: error, file },
        'the changed permissions are not usable; the former ones stay',
      )
    }
  }
  const look = () => void reload()
  watchFile(file, { interval, persistent: false }, look)
  return { current: () => policy, close: () => unwatchFile(file, look) }
}

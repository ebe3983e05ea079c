import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

export interface LineFile {
  /** Whether it can be written; makes it when it is not there. Rejects with why not. */
  open(): Promise<void>
  /** Appends one line, given without its end. What cannot be written is dropped and told of. */
  write(line: string): void
  close(): Promise<void>
}

/** Lines that wait for the disk; beyond, the newest are dropped. */
const MOST_WAITING = 10_000

/**
 * A file that lines are appended to in their order. With `reopen` it is opened anew for what came
 * since the last time, so that another program may have moved it away.
 */
export function createLineFile(
  path: string,
  { onError, reopen }: { readonly reopen: boolean; readonly onError: (reason: string) => void },
): LineFile {
  let waiting: string[] = []
  let handle: FileHandle | undefined
  let writing: Promise<void> | undefined

  const ensureOpen = async (): Promise<FileHandle> => (handle ??= await open(path, 'a', 0o600))
  const shut = async (): Promise<void> => {
    const opened = handle
    handle = undefined
    await opened?.close()
  }
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting
      waiting = []
      try {
        if (reopen) await shut()
        await (await ensureOpen()).appendFile(lines.map(line => `${line}\n`).join(''))
      } catch (error) {
        onError((error as Error).message)
      }
    }
    writing = undefined
  }
  return {
    async open() {
      await ensureOpen()
    },
    write(line) {
      if (waiting.length >= MOST_WAITING) onError('more lines than can be written: one is dropped')
      else waiting.push(line)
      writing ??= drain()
    },
    async close() {
      await writing
      await shut()
    },
  }
}

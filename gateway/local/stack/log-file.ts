import { createWriteStream } from 'node:fs'

const remembered = 10

/** One part's log: a file of this start's lines, the last ones at hand, the bad ones passed on. */
export interface LogFile {
  /** One line, without its end. */
  write(line: string): void
  /** The last lines, oldest first. */
  readonly tail: readonly string[]
  close(): Promise<void>
}

/** `complain` hears of each line that tells of an error: text, or JSON of pino's level 50 or more. */
export function openLogFile(path: string, complain: (line: string) => void): LogFile {
  const stream = createWriteStream(path, { flags: 'w', mode: 0o600 })
  // A full disk must not end the stack; the tail is still there.
  stream.on('error', error => complain(`the log ${path} cannot be written: ${error.message}`))
  const tail: string[] = []
  return {
    tail,
    write(line) {
      tail.push(line)
      if (tail.length > remembered) tail.shift()
      stream.write(`${line}\n`)
      const complaint = complaintOf(line)
      if (complaint !== undefined) complain(complaint)
    },
    close: () => new Promise(resolve => stream.end(resolve)),
  }
}

function complaintOf(line: string): string | undefined {
  const event = parse(line)
  if (event === undefined) return /\b(error|fatal|panic)\b/i.test(line) ? line : undefined
  const { level, msg, err } = event as {
    level?: unknown
    msg?: unknown
    err?: { message?: unknown }
  }
  if (typeof level !== 'number' || level < 50) return undefined
  const because = typeof err?.message === 'string' && err.message !== msg ? `: ${err.message}` : ''
  return `${typeof msg === 'string' ? msg : line}${because}`
}

function parse(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as object
  } catch {
    return undefined // text that happens to begin with a brace
  }
}

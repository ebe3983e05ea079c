import type { Logger } from 'pino'

/**
 * Makes lines of our log out of what packages print and Node warns of: the log is one JSON object a
 * line, and whoever reads it expects no other. Of what is printed only the words are kept, since
 * objects may hold anything.
 */
export function logForeignLines(log: Logger, { console, process }: Foreign): void {
  const say =
    (level: 'info' | 'warn' | 'error') =>
    (...printed: unknown[]) => {
      const words = printed.filter(part => typeof part === 'string').join(' ')
      log[level]({ source: 'console' }, words)
    }
  Object.assign(console, {
    debug: say('info'),
    log: say('info'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
  })
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => log.warn({ source: 'node', type: name }, message))
}

export interface Foreign {
  readonly console: object
  readonly process: Pick<NodeJS.Process, 'removeAllListeners'> & {
    on(event: 'warning', listener: (warning: Error) => void): unknown
  }
}

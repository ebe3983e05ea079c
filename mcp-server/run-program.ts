import { type Logger, pino } from 'pino'
import { describeError } from '../storage/describe-error.ts'
import { logForeignLines } from './foreign-lines.ts'

export interface Surroundings {
  readonly console: object
  readonly process: NodeJS.Process
}

/**
 * What is around each of our servers: its log of JSON lines on standard output, its end at SIGTERM or
 * SIGINT once what runs has finished, and exit code 1 when it cannot start or stop.
 */
export async function runProgram(
  name: string,
  { console, process }: Surroundings,
  start: (log: Logger) => Promise<{ stop(): Promise<void> }>,
): Promise<void> {
  const log = pino(
    {
      name,
      serializers: { err: describeError },
      // Nobody logs headers; should it happen one day, these must not be among them.
      redact: ['*.authorization', '*.cookie', '*.headers.authorization', '*.headers.cookie'],
    },
    // Not pino's own destination: once its reader is gone, that one never lets the process end.
    process.stdout,
  )
  // A server whose log nobody reads has lost its supervisor.
  process.stdout.on('error', () => process.exit(1))
  logForeignLines(log, { console, process })

  try {
    const running = await start(log)
    let stopping = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) return
        stopping = true
        log.info({ signal }, 'stopping')
        running.stop().then(
          () => process.exit(0),
          (error: unknown) => {
            log.fatal({ err: error }, 'could not stop cleanly')
            process.exit(1)
          },
        )
      })
    }
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : 'could not start')
    process.exitCode = 1
  }
}

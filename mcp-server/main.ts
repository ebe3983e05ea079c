import { pino } from 'pino'
import { describeError } from '../storage/describe-error.ts'
import { parseEnvironment } from './environment.ts'
import { logForeignLines } from './foreign-lines.ts'
import { start } from './start.ts'

/** Entry point: reads the environment, serves until SIGTERM or SIGINT, exits 1 when it cannot. */
const log = pino(
  {
    name: 'mcp-server',
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
  const running = await start(parseEnvironment(process.env), log, {
    clock: () => performance.now(),
    now: Date.now,
  })
  process.send?.({ type: 'ready', port: running.port })
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

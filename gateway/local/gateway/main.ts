import { pino } from 'pino'
import { readArguments, usage } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { ConfigurationError } from './configuration.ts'
import { startGateway } from './gateway.ts'
import type { Gateway } from './gateway.ts'

const PINO_LEVEL = {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  err: 'error',
} as const

const given = readArguments(process.argv.slice(2))
if (given === 'help') process.stdout.write(usage)
else if ('problems' in given) fail(given.problems.join('\n'))
else await run(given)

async function run(options: Arguments): Promise<void> {
  const log = pino({ base: null }, process.stdout)
  try {
    const gateway = await startGateway({
      ...options,
      environment: process.env,
      log: ({ level = 'info', ...event }) => log[PINO_LEVEL[level]](event),
      print: (line, path) => {
        const stream = path === '/dev/stdout' ? process.stdout : process.stderr
        stream.write(`${line}\n`)
      },
    })
    const stop = () => void gateway.close().then(() => process.exit(0))
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    process.on('SIGHUP', () => void reload(gateway))
  } catch (error) {
    if (error instanceof ConfigurationError) return fail(error.message)
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      const port = 'port' in error ? String(error.port) : ''
      return fail(`port ${port} is taken by another program`)
    }
    throw error
  }
}

/** What is wrong with the new file is printed; the old one stays in force. */
async function reload(gateway: Gateway): Promise<void> {
  try {
    await gateway.reload()
  } catch (error) {
    const reason = error instanceof ConfigurationError ? error.message : String(error)
    process.stderr.write(`not reloaded: ${reason}\n`)
  }
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.exitCode = 1
}

import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { ConfigurationError } from './configuration.ts'
import { startGateway } from './gateway.ts'

const USAGE = `The local gateway: Kong's configuration and plugin protocol, for laptops and tests.
Production runs Kong.

  node gateway/local/gateway/main.ts --socket PATH [--config FILE] [--port PORT]

  --socket PATH   Unix socket of the plugin server
  --config FILE   Kong's declarative configuration (config/kong.yml)
  --port PORT     port on 127.0.0.1 (8000); 0 takes a free one
  --help          this text
`

const PINO_LEVEL = {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  err: 'error',
} as const

const { values } = readArguments()
if (values.help) {
  process.stdout.write(USAGE)
} else {
  await run(values.config, values.socket, Number(values.port))
}

async function run(config_file: string, socket: string | undefined, port: number): Promise<void> {
  if (socket === undefined) return fail('--socket is missing')
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return fail('--port is no port')
  const log = pino({ base: null }, process.stdout)
  try {
    const gateway = await startGateway({
      config_file,
      environment: process.env,
      plugin_server_socket: socket,
      port,
      log: ({ level = 'info', ...event }) => log[PINO_LEVEL[level]](event),
    })
    const stop = () => void gateway.close().then(() => process.exit(0))
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
  } catch (error) {
    if (error instanceof ConfigurationError) return fail(error.message)
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (taken) return fail(`port ${port} is taken by another program`)
    throw error
  }
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string', default: 'config/kong.yml' },
        socket: { type: 'string' },
        port: { type: 'string', default: '8000' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
    process.exit()
  }
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.exitCode = 1
}

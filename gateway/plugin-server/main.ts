import { join, resolve } from 'node:path'

import { pino } from 'pino'

import { describeError } from './describe-error.ts'
import { dump } from './dump.ts'
import { logForeignLines } from './foreign-lines.ts'
import { loadPlugin } from './load-plugin.ts'
import { parseOptions, usage, UsageError } from './options.ts'
import type { Options } from './options.ts'
import { startStatusServer } from './status-server.ts'
import { startPrimary } from './workers/primary.ts'

// Found from this file: Kong starts us without an environment and in a directory of its own.
const plugins_directory = join(import.meta.dirname, '..', '..', 'plugins')

type Serve = Extract<Options, { run: 'serve' }>

async function serve({ metrics: address, ...options }: Serve): Promise<void> {
  // Not pino's own destination: once its reader is gone, that one never lets the process end.
  const log = pino({ base: { service: 'plugin-server' } }, process.stdout)
  // Kong reads our log; when it is gone, nobody starts us again beside the next one.
  process.stdout.on('error', () => process.exit(1))
  logForeignLines(log, { console, process })
  const starting = startPrimary({
    ...options,
    plugins_directory: resolve(options.plugins_directory),
    log,
    now: Date.now,
  })
  const status = starting.then(
    primary =>
      address &&
      startStatusServer({
        ...address,
        log,
        metrics: () => primary.metrics(),
        problems: () => primary.problems(),
      }),
  )

  const end = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'ending')
    // The status last: while requests drain, it says that no more should be sent.
    const ended = starting
      .then(primary => primary.close())
      .then(async () => (await status)?.close())
    ended.then(
      () => process.exit(0),
      (err: unknown) => die(err, 'the server could not be closed'),
    )
  }
  const restart = () => {
    log.info('restarting the workers')
    void starting.then(primary => primary.restart())
  }
  const die = (err: unknown, message: string) => {
    log.fatal({ error: describeError(err) }, message)
    process.exit(1)
  }
  // Before anybody can know that we listen.
  process.once('SIGTERM', end).once('SIGINT', end).on('SIGHUP', restart)
  // Requests fail closed while nobody listens, and Kong starts us again: that beats going on in an
  // unknown state.
  process.on('uncaughtException', err => die(err, 'an exception was not caught'))

  await status
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${text}\n`, error => (error ? reject(error) : resolve()))
  })
}

async function main(options: Options): Promise<void> {
  switch (options.run) {
    case 'help':
      process.stdout.write(usage)
      return
    case 'dump':
      await print(dump(await loadPlugin(resolve(options.plugins_directory))))
      return process.exit(0) // whatever the plugin's modules may keep open
    case 'serve':
      await serve(options)
  }
}

try {
  await main(parseOptions(process.argv.slice(2), plugins_directory))
} catch (error) {
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`plugin server: ${text}\n`)
  if (error instanceof UsageError) process.stderr.write(`\n${usage}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

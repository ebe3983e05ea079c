import { fileURLToPath } from 'node:url'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(
    `This needs Node 24, and this is ${process.version}. Use npm start: it brings its own Node.`,
  )
  process.exit(1)
}

// Only now: an older Node may not be able to read these.
const { parseOptions, usage } = await import('./stack/options.ts')
const { runStack } = await import('./stack/run.ts')
const { hasTerminal } = await import('./stack/terminal.ts')

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) {
    console.log(usage)
    return 0
  }
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('interrupted'))
  let reload: (() => void) | undefined
  const in_terminal = hasTerminal()
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  // Sent by hand it means to reload; when the terminal is closed it comes too, and means to end.
  process.on('SIGHUP', () => {
    if (in_terminal && !hasTerminal()) interrupt()
    else reload?.()
  })
  try {
    return await runStack(options, {
      data_directory: fileURLToPath(new URL('../../.data', import.meta.url)),
      print: text => console.log(text),
      signal: stop.signal,
      onReload: given => (reload = given),
    })
  } catch (error) {
    // Interrupted while starting: that was the wish, and everything is stopped.
    if (stop.signal.aborted) return 0
    throw error
  }
}

try {
  process.exit(await main())
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

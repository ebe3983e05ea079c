import { parseEnvironment } from './environment.ts'
import { runProgram } from './run-program.ts'
import { start } from './start.ts'

/** Entry point: reads the environment, serves until SIGTERM or SIGINT, exits 1 when it cannot. */
await runProgram('mcp-server', { console, process }, async log => {
  const running = await start(parseEnvironment(process.env), log, {
    clock: () => performance.now(),
    now: Date.now,
  })
  process.send?.({ type: 'ready', port: running.port })
  return running
})

import { runProgram } from '../mcp-server/run-program.ts'
import { parseEnvironment } from './environment.ts'
import { start } from './start.ts'

/** Entry point: reads the environment, serves until SIGTERM or SIGINT, exits 1 when it cannot. */
await runProgram('console', { console, process }, log =>
  start(parseEnvironment(process.env), log, Date.now),
)

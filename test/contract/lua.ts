import { spawnSync } from 'node:child_process'

/**
 * Runs a Lua file under LuaJIT, the Lua of Kong, and gives what it printed.
 * @throws what Lua complained of, or that there is no luajit.
 */
export function runLua(script: string, args: readonly string[], input = ''): string {
  const run = spawnSync('luajit', [script, ...args], { input, encoding: 'utf8' })
  if (run.error && 'code' in run.error && run.error.code === 'ENOENT') {
    throw new Error('these tests run Lua: install the Debian package luajit', { cause: run.error })
  }
  if (run.status !== 0) throw new Error(run.stderr, { cause: run.error })
  return run.stdout
}

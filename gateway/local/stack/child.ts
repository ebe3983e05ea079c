import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { compile_cache } from '../compile-cache.ts'
import type { LogFile } from './log-file.ts'

export interface ChildOptions {
  readonly name: string
  /** Absolute path of its main.ts. */
  readonly program: string
  readonly args?: readonly string[]
  /** All it gets beside where Node keeps compiled code: nothing of ours is passed on. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: LogFile
}

export interface Child {
  readonly name: string
  readonly pid: number | undefined
  /** Resolves with what became of it: `exit code 1`, `signal SIGKILL`. Never rejects. */
  readonly ended: Promise<string>
  /** Asks it to end, insists after five seconds, and resolves when it is gone. */
  stop(): Promise<void>
}

const watch = fileURLToPath(new URL('end-with-parent.ts', import.meta.url))
/** Milliseconds. */
const patience = 5_000

/** Starts a part of the stack as a process of its own, on this Node, ending with us. */
export function startChild(options: ChildOptions): Child {
  const { args = [], environment, log, name, program } = options
  const child = spawn(process.execPath, ['--import', watch, program, ...args], {
    cwd: '/',
    env: { NODE_COMPILE_CACHE: compile_cache, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C is for us, and we decide what stops when.
    detached: true,
  })
  child.stdin.on('error', () => undefined) // it may be gone before we are
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', line => log.write(line))

  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(`it could not be started: ${error.message}`))
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`),
    )
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const insist = setTimeout(() => child.kill('SIGKILL'), patience)
    await ended
    clearTimeout(insist)
  }
  return { name, pid: child.pid, ended, stop }
}

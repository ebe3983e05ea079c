import { fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Child, ChildOptions } from '../../../gateway/local/stack/child.ts'

/** A part of the system that tells how much memory it holds. */
export interface MeasuredChild extends Child {
  /** Resident bytes after a forced collection, those of the processes that it started included. */
  memory(): Promise<number>
}

const tell_memory = fileURLToPath(new URL('tell-memory.ts', import.meta.url))
/** Milliseconds. */
const patience = 5_000

/** Starts a part like `startChild`, with a channel to ask it for its memory. */
export function startMeasured(options: ChildOptions): MeasuredChild {
  const { args = [], environment, log, name, program } = options
  const child = fork(program, args, {
    cwd: '/',
    // In the environment, so that those which it starts have it too.
    env: { ...environment, NODE_OPTIONS: `--import ${tell_memory}` },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A process group of its own: Ctrl-C is for us, and we decide what stops when.
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on('line', line => log.write(line))
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(`it could not be started: ${error.message}`))
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`),
    )
  })
  return {
    name,
    pid: child.pid,
    ended,
    async stop() {
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), patience)
      await ended
      clearTimeout(insist)
    },
    memory() {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const hear = (message: unknown) => {
        // The programs have messages of their own.
        if (typeof message !== 'object' || message === null || !('resident' in message)) return
        child.off('message', hear)
        resolve(Number(message.resident))
      }
      child.on('message', hear)
      void ended.then(how => reject(new Error(`${name} ended: ${how}`)))
      child.send('memory')
      return promise
    },
  }
}

import { fstatSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/**
 * Loaded into a child before its program: ends the process when the parent's end of stdin closes,
 * which the operating system does even when the parent is killed.
 */

function isPipe(): boolean {
  const stdin = fstatSync(0)
  return stdin.isFIFO() || stdin.isSocket()
}

/**
 * At once: nobody is left to finish requests for, every part survives a kill, and a logger whose
 * reader is gone may otherwise wait for ever for its last lines to be taken.
 */
function end(): void {
  process.kill(process.pid, 'SIGKILL')
}

if (isMainThread && isPipe()) {
  process.stdin.once('end', end).once('error', end).resume()
  // Waiting for the parent's end is no reason to stay.
  if ('unref' in process.stdin) process.stdin.unref()
}

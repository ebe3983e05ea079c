import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/*
 * Loaded into a process before its program: tells the resident memory (bytes) of itself and of the
 * processes it started, after a forced collection in each, whenever it is sent `memory`; and ends with
 * its parent. Those that it started have this loaded too, and collect at SIGUSR2.
 */

/** What a process of ours has in its environment when it was started by another of ours. */
const started_by_us = 'MEASURED_CHILD'
/** Milliseconds in which the others have collected. */
const collection_ms = 1_500

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>

// V8 keeps the pages of its young generation after an ordinary forced collection, however empty they
// are. The last-resort kind gives back what is free, so that what stays resident is what is held.
function collect(): void {
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

function children(): readonly number[] {
  const listed = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  return listed.split(' ').filter(Boolean).map(Number)
}

function residentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

async function tell(): Promise<void> {
  collect()
  const others = children()
  for (const pid of others) process.kill(pid, 'SIGUSR2')
  if (others.length > 0) await pause(collection_ms)
  const resident = others.map(residentOf).reduce((sum, bytes) => sum + bytes, 0)
  process.send?.({ resident: resident + process.memoryUsage.rss() })
}

if (isMainThread) {
  process.on('SIGUSR2', collect)
  // The messages of one that was started by ours are for its program alone.
  if (process.env[started_by_us] === undefined) {
    process.env[started_by_us] = '1'
    process.on('message', message => {
      if (message === 'memory') void tell()
    })
    process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  }
}

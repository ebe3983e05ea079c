import { isMainThread } from 'node:worker_threads'

/*
 * Loaded into a process before its program, with --expose-gc and an IPC channel: tells its resident
 * memory (bytes) after a forced collection whenever it is sent `memory`, and ends with its parent.
 */

// V8 keeps the pages of its young generation after an ordinary forced collection, however empty they
// are. The last-resort kind gives back what is free, so that what stays resident is what is held.
const collect = global.gc
if (isMainThread) {
  if (!collect) throw new Error('run with --expose-gc')
  process.on('message', message => {
    if (message !== 'memory') return
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    process.send?.({ resident: process.memoryUsage.rss() })
  })
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
}

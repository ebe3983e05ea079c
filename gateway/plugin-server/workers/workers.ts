import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import type { Logger } from 'pino'
import { collectDefaultMetrics } from 'prom-client'

import { describeError } from '../describe-error.ts'
import { knownInstances } from './known-instances.ts'
import { beat_ms } from './messages.ts'
import { createWorkerMetrics, totalMetrics } from './metrics.ts'
import type { Replaced } from './metrics.ts'
import { startWorker } from './worker-process.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface WorkersOptions {
  readonly count: number
  readonly plugins_directory: string
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How long events may go on when an instance or a worker ends, in milliseconds. */
  readonly drain_ms: number
}

/** The processes that serve Kong's connections, all of them alike. */
export interface Workers {
  /** Gives a connection to a worker, in turn; it waits while none can take it. */
  serve(connection: Socket): void
  /** Prometheus text of them all. */
  metrics(): Promise<string>
  /** Why requests should not be sent here, for an operator; empty when they should. */
  problems(): Promise<readonly string[]>
  /**
   * Another worker in the place of each, one after the other: connections go to the new one before
   * the old one ends, and an old one stays when no new one comes up. Never rejects.
   */
  restart(): Promise<void>
  /** Lets running events finish. */
  end(): Promise<void>
}

/** A worker that gave no sign of life for so long hangs; milliseconds. */
const hung_ms = 1_500
/** Until a worker serves, on a machine that has other things to do; milliseconds. */
const start_patience_ms = 60_000
/** More ends than this in so many milliseconds, for each worker, are a fault that comes back. */
const most_ends = 3
const ends_window_ms = 10_000
/** Before another try then, milliseconds. */
const restart_pause_ms = 1_000
/** How long a worker may take to tell its metrics or problems, milliseconds. */
const answer_patience_ms = 5_000
/** Connections that wait for a worker; one more is closed, and Kong answers 500. */
const most_waiting = 1_024

/** @throws when a worker ends before it is ready: what is wrong with one is wrong with all */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { count, log, now } = options
  const workers: WorkerProcess[] = []
  const waiting: Socket[] = []
  const ends: number[] = []
  const totals = totalMetrics()
  const instances = knownInstances({ workers: () => workers, now })
  const metrics = createWorkerMetrics(() => workers.filter(worker => worker.isReady()).length)
  collectDefaultMetrics({ register: metrics.registry })
  /** Their end is no surprise. */
  const expected = new WeakSet<WorkerProcess>()
  let ending = false
  let started = false
  let numbers = 0
  let turn = 0

  function giveWaiting(): void {
    while (waiting.length > 0) {
      const free = workers.filter(worker => worker.isFree())
      turn += 1
      const worker = free[turn % free.length]
      if (!worker) return
      const connection = waiting.shift()
      if (connection && !connection.destroyed) worker.give(connection)
    }
  }

  function launch(): WorkerProcess {
    numbers += 1
    const worker = startWorker({
      ...options,
      number: numbers,
      instances: instances.list(),
      answers: asker => ({
        start: instance => instances.start(instance),
        close: id => instances.close(asker, id),
      }),
      free: giveWaiting,
      returned: connection => {
        waiting.unshift(connection)
        giveWaiting()
      },
      failed: error => log.error({ error: describeError(error) }, 'a worker was not understood'),
    })
    workers.push(worker)
    const patience = setTimeout(() => worker.kill('not ready in time'), start_patience_ms)
    void worker.ready.then(
      () => {
        clearTimeout(patience)
        log.info({ worker: worker.number }, 'a worker is ready')
      },
      () => clearTimeout(patience),
    )
    void worker.ended.then(how => {
      workers.splice(workers.indexOf(worker), 1)
      if (ending || expected.has(worker) || !started) return
      totals.retire(worker.number)
      log.error({ worker: worker.number, how }, 'a worker ended; another takes its place')
      void replace(how === 'hung' ? 'hung' : 'ended')
    })
    return worker
  }

  async function replace(why: Replaced): Promise<void> {
    metrics.replaced(why)
    const time = performance.now()
    ends.push(time)
    while ((ends[0] ?? time) < time - ends_window_ms) ends.shift()
    if (ends.length > most_ends * count) {
      log.error('workers end again and again: the next one starts after a pause')
      await pause(restart_pause_ms)
    }
    if (!ending) launch()
  }

  /** Ends a worker whose place is taken, or is to stay empty. */
  async function retire(worker: WorkerProcess): Promise<void> {
    expected.add(worker)
    const last = await worker.end()
    if (last) totals.saw(worker.number, last)
    totals.retire(worker.number)
  }

  let last_look = performance.now()
  const watch = setInterval(() => {
    const time = performance.now()
    const asleep = time - last_look > beat_ms * 3
    last_look = time
    for (const worker of workers) {
      // Beats may be waiting that we had no time to read.
      if (asleep) worker.excuse()
      else if (worker.silence() > hung_ms) {
        log.error({ worker: worker.number }, 'a worker hangs and is killed')
        worker.kill('hung')
      }
    }
  }, beat_ms)

  /** What each worker that serves answers in time. */
  async function askAll<T>(ask: (worker: WorkerProcess) => Promise<T>): Promise<readonly T[]> {
    const late = new AbortController()
    const patience = pause(answer_patience_ms, undefined, { signal: late.signal })
    patience.catch(() => undefined)
    const answers = workers
      .filter(worker => worker.isReady())
      .map(worker => Promise.race([ask(worker).catch(() => undefined), patience]))
    const given = (await Promise.all(answers)).filter(answer => answer !== undefined)
    late.abort()
    return given
  }

  async function end(): Promise<void> {
    ending = true
    for (const connection of waiting.splice(0)) connection.destroy()
    await Promise.all(workers.map(retire))
    clearInterval(watch)
  }

  try {
    await Promise.all(Array.from({ length: count }, () => launch().ready))
    started = true
  } catch (error) {
    await end()
    throw error
  }

  let restarting: Promise<void> | undefined
  async function restartEach(): Promise<void> {
    for (const old of [...workers]) {
      if (ending) return
      if (!old.isAlive()) continue
      const next = launch()
      expected.add(next)
      try {
        await next.ready
        expected.delete(next)
      } catch (error) {
        log.error({ error: describeError(error) }, 'no new worker came up: the others stay')
        return
      }
      metrics.replaced('restart')
      // Another has taken its place already when it ended meanwhile.
      await retire(old.isAlive() ? old : next)
    }
    log.info('all workers were restarted')
  }

  return {
    serve(connection) {
      if (ending || waiting.length >= most_waiting) {
        log.error('a connection is closed: no worker can take it')
        connection.destroy()
        return
      }
      connection.on('error', () => connection.destroy())
      waiting.push(connection)
      giveWaiting()
    },
    async metrics() {
      await askAll(async worker => {
        const counted = await worker.ask('metrics', undefined)
        if (worker.isAlive()) totals.saw(worker.number, counted)
      })
      return totals.text(await metrics.registry.getMetricsAsJSON())
    },
    async problems() {
      if (ending) return ['the plugin server is ending']
      const answers = await askAll(worker => worker.ask('problems', undefined))
      if (answers.length === 0) return ['no process of the plugin server answers']
      return [...new Set(answers.flat())]
    },
    restart: () =>
      (restarting ??= restartEach().finally(() => {
        restarting = undefined
      })),
    end,
  }
}

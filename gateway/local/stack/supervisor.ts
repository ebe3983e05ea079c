import { join } from 'node:path'
import { type ChildOptions, startChild } from './child.ts'
import { type LogFile, openLogFile } from './log-file.ts'
import { createParts } from './parts.ts'
import { type Probe, untilReady } from './readiness.ts'

export type StackEvent =
  | {
      readonly type: 'ready'
      readonly part: string
      readonly duration_ms: number
      readonly detail: string
    }
  /** A line of a part's log that tells of an error. */
  | { readonly type: 'complaint'; readonly part: string; readonly line: string }

export interface Supervisor {
  /** Runs one step of the start and reports it. */
  step<T>(part: string, detail: string, start: () => Promise<T>): Promise<T>
  /** Starts a process and waits until the probe finds it ready. */
  launch(child: Omit<ChildOptions, 'log'>, probe: Probe): Promise<void>
  untilReady(probe: Probe): Promise<void>
  /** Steps that do not wait for each other. Rejects when all have ended, the others cut short. */
  together(steps: readonly Promise<void>[]): Promise<void>
  openLog(part: string): LogFile
  /** What is stopped with the rest, before all that was added earlier. */
  add(name: string, stop: () => Promise<void>): void
  /** Resolves, when a process ends by itself, with which one, how, and its last lines. */
  readonly failed: Promise<string>
  /** Stops everything, the last one first. */
  stop(): Promise<void>
}

export interface SupervisorOptions {
  /** Folder of the log files. */
  readonly logs: string
  readonly report: (event: StackEvent) => void
  /** Ends the start. */
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds a part may take until it is ready. */
const patience = 30_000

/** Starts processes, watches them and stops them. One that ends by itself fails the whole. */
export function createSupervisor({ logs, report, signal: outer }: SupervisorOptions): Supervisor {
  const { promise: failed, resolve: fail } = Promise.withResolvers<string>()
  const failure = new AbortController()
  const signal = AbortSignal.any([failure.signal, ...(outer ? [outer] : [])])
  const complain = (part: string) => (line: string) => report({ type: 'complaint', part, line })
  const parts = createParts(complain('stack'))
  const openLog = (part: string) => openLogFile(join(logs, `${part}.log`), complain(part))
  const wait = (probe: Probe) => untilReady(probe, { patience, signal })

  return {
    async step(part, detail, start) {
      signal.throwIfAborted()
      const begun = performance.now()
      const result = await start()
      report({ type: 'ready', part, duration_ms: Math.round(performance.now() - begun), detail })
      return result
    },
    launch(options, probe) {
      const { name } = options
      const log = openLog(name)
      const child = startChild({ ...options, log })
      let stopping = false
      parts.add(name, async () => {
        stopping = true
        await child.stop()
        await log.close()
      })
      void child.ended.then(how => {
        if (stopping) return
        const last = log.tail.map(line => `\n    ${line.slice(0, 300)}`).join('') || '\n    (none)'
        const reason = `${name} ended by itself: ${how}. Its last lines:${last}`
        failure.abort(new Error(reason))
        fail(reason)
      })
      return wait(probe)
    },
    untilReady: wait,
    async together(steps) {
      const watched = steps.map(step =>
        step.catch((error: unknown) => {
          failure.abort(error)
          throw error
        }),
      )
      await Promise.allSettled(watched)
      await Promise.all(watched)
      signal.throwIfAborted()
    },
    openLog,
    add: (name, stop) => parts.add(name, stop),
    failed,
    stop: () => parts.stop(),
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'

import type { InstanceStart } from '../instances.ts'
import { openChannel } from './channel.ts'
import type { Channel } from './channel.ts'
import { beat_ms } from './messages.ts'
import type { CarriedMetrics, PrimaryRequests, WorkerRequests } from './messages.ts'

const program = join(import.meta.dirname, 'worker.ts')

/** Why the primary killed a worker. */
export type Killed = 'hung' | 'not ready in time' | 'did not end in time'

export interface WorkerOptions {
  readonly number: number
  readonly plugins_directory: string
  readonly drain_ms: number
  /** What it is to have from the beginning. */
  readonly instances: readonly InstanceStart[]
  readonly answers: (worker: WorkerProcess) => Omit<PrimaryRequests, 'beat' | 'taken'>
  /** It can be given another connection. */
  readonly free: () => void
  /** It ended before it took this connection, of which nothing was read. */
  readonly returned: (connection: Socket) => void
  readonly failed: (error: Error) => void
}

/** A worker as the primary sees it. */
export interface WorkerProcess extends Pick<Channel<WorkerRequests>, 'ask'> {
  readonly number: number
  /** Resolves when it has all instances; rejects when it ends before. */
  readonly ready: Promise<void>
  /** Resolves with how it ended: `exit code 1`, `signal SIGKILL`, `hung`. */
  readonly ended: Promise<string>
  /** Whether connections may be given to it. */
  readonly isFree: () => boolean
  readonly isReady: () => boolean
  readonly isAlive: () => boolean
  /** Milliseconds of `performance.now()` since it last gave a sign of life; 0 before its first. */
  readonly silence: () => number
  /** As if it had just given one: for a time in which we were not listening ourselves. */
  readonly excuse: () => void
  give(connection: Socket): void
  /** Gives it nothing more, lets its events end, and resolves when it is gone, whatever happens. */
  end(): Promise<CarriedMetrics | undefined>
  kill(why: Killed): void
}

export function startWorker(options: WorkerOptions): WorkerProcess {
  const { drain_ms, instances, number, plugins_directory } = options
  const child = fork(program, [plugins_directory, String(number), String(drain_ms)], {
    // What Node was told for the primary is not meant for its workers.
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  let state: 'starting' | 'ready' | 'ending' | 'ended' = 'starting'
  /** On its way to the worker; ours as well until that has it. */
  let giving: Socket | undefined
  let last_beat: number | undefined
  let killed: Killed | undefined
  const ended = endOf(child).then(how => {
    state = 'ended'
    if (giving) options.returned(giving)
    return killed ?? how
  })
  const worker: WorkerProcess = {
    number,
    ask: (name, value) => channel.ask(name, value),
    get ready() {
      return ready
    },
    ended,
    // One that is silent may hang, and would hold what it is given until it is killed.
    isFree: () => state === 'ready' && !giving && worker.silence() < beat_ms * 3,
    isReady: () => state === 'ready',
    isAlive: () => state !== 'ended',
    silence: () => (last_beat === undefined ? 0 : performance.now() - last_beat),
    excuse: () => {
      if (last_beat !== undefined) last_beat = performance.now()
    },
    give(connection) {
      giving = connection
      channel.give(connection)
    },
    async end() {
      if (state !== 'ended') state = 'ending'
      const insist = setTimeout(() => worker.kill('did not end in time'), drain_ms * 2 + 2_000)
      const metrics = await channel.ask('end', undefined).catch(() => undefined)
      if (child.connected) child.disconnect()
      await ended
      clearTimeout(insist)
      return metrics
    },
    kill(why) {
      killed ??= why
      child.kill('SIGKILL')
    },
  }
  const answers: PrimaryRequests = {
    ...options.answers(worker),
    beat: () => {
      last_beat = performance.now()
      options.free()
    },
    taken: () => {
      giving?.destroy()
      giving = undefined
      options.free()
    },
  }
  const channel = openChannel<WorkerRequests, PrimaryRequests>(child, {
    answers,
    failed: options.failed,
  })
  const becomeReady = async () => {
    try {
      await channel.ask('open', instances)
    } catch (cause) {
      throw new Error(`a worker ended before it was ready: ${await ended}`, { cause })
    }
    if (state !== 'starting') return
    state = 'ready'
    options.free()
  }
  const ready = becomeReady()
  ready.catch(() => undefined) // whoever waits for it hears of it
  return worker
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(`it could not be started: ${error.message}`))
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`),
    )
  })
}

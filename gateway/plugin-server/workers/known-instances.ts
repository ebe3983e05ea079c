import type { InstanceStart } from '../instances.ts'
import { instanceIds } from '../lifecycle.ts'
import type { Started } from '../lifecycle.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface KnownInstancesOptions {
  /** Every worker that is not gone. */
  readonly workers: () => readonly WorkerProcess[]
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** How long an instance stays after its first close, in milliseconds. */
  readonly close_grace_ms?: number
}

/**
 * Kong closes an instance when the configuration has changed: then all of its workers start another
 * one, with their first request after the few seconds until they have heard of it.
 */
const default_close_grace_ms = 60_000

/**
 * The instances that Kong has started: each worker has all of them, whichever was asked. Kong starts
 * one for each of its own workers, and again whenever a connection was closed on it, without closing
 * the former: starts with the same configuration are given the same instance. Those that were
 * forgotten are never closed, so the count may be too high, and an instance that was closed once and
 * not started again is closed after some time in any case. Should Kong name it still, it is told that
 * there is none, and starts it again.
 */
export interface KnownInstances {
  list(): readonly InstanceStart[]
  /** Resolves when all workers that serve have it, so that Kong may name it to any of them. */
  start(instance: Pick<InstanceStart, 'name' | 'config'>): Promise<Started>
  /** Resolves when the asker has closed it, unless others still use it. */
  close(asker: WorkerProcess, id: number): Promise<void>
}

interface Known {
  readonly start: InstanceStart
  readonly started: Promise<Started>
  /** Starts less closes. */
  users: number
  /** Runs since the first close. */
  closing?: NodeJS.Timeout
}

export function knownInstances({
  close_grace_ms = default_close_grace_ms,
  now,
  workers,
}: KnownInstancesOptions): KnownInstances {
  const known = new Map<string, Known>()
  const nextId = instanceIds()

  async function openEverywhere(start: InstanceStart): Promise<Started> {
    const opened = workers().map(async worker => {
      // Asked of those too that are only starting: it comes before any connection they are given.
      const answer = worker.ask('open', [start])
      if (!worker.isReady()) return ''
      // A worker that is gone has nothing to serve; the next has all that are known.
      const [problems = ''] = await answer.catch(() => [''])
      return problems
    })
    const problems = await Promise.all(opened)
    return { id: start.id, problems: problems.find(text => text !== '') ?? '' }
  }

  /** By each worker, which is not waited for. */
  function closeEverywhere(key: string, id: number) {
    known.delete(key)
    return workers().map(worker => ({
      worker,
      done: worker.ask('close', id).catch(() => undefined),
    }))
  }

  return {
    list: () => [...known.values()].map(({ start }) => start),
    start(instance) {
      const key = JSON.stringify([instance.name, instance.config])
      const found = known.get(key)
      if (found) {
        found.users += 1
        clearTimeout(found.closing)
        delete found.closing
        return found.started
      }
      const start = { ...instance, id: nextId(), started_at: Math.floor(now() / 1000) }
      const entry: Known = { start, users: 1, started: openEverywhere(start) }
      known.set(key, entry)
      return entry.started
    },
    async close(asker, id) {
      const [key, found] = [...known].find(([, { start }]) => start.id === id) ?? []
      if (key === undefined || !found) return
      found.users -= 1
      if (found.users > 0) {
        found.closing ??= setTimeout(() => closeEverywhere(key, id), close_grace_ms).unref()
        return
      }
      clearTimeout(found.closing)
      const closed = closeEverywhere(key, id)
      await closed.find(({ worker }) => worker === asker)?.done
    },
  }
}

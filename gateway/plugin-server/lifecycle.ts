import { randomInt } from 'node:crypto'

import type { Instances, RunningInstance } from './instances.ts'

/** What came of a start: an instance in any case, and why it refuses everything. */
export interface Started {
  readonly id: number
  /** A problem a line; empty when the configuration is used. */
  readonly problems: string
}

/** Starts and closes instances wherever the plugin is served: in one process, or in several. */
export interface Lifecycle {
  /** Resolves when every process that may be asked for it has the instance. */
  start(name: string, config: string): Promise<Started>
  /** Resolves when this process has closed it. */
  close(instance: RunningInstance): Promise<void>
}

/**
 * Ids for instances, from a random one on. Kong keeps ids over a restart of this server, so two
 * servers must not give the same ones: an id of the former would silently mean another configuration.
 */
export function instanceIds(first = randomInt(1, 0x4000_0000)): () => number {
  let next = first
  return () => {
    const id = next
    next = id === 0x7fff_ffff ? 1 : id + 1
    return id
  }
}

/** Instances of this process alone. */
export function ownLifecycle(
  instances: Instances,
  nextId: () => number,
  /** Milliseconds since 1970. */
  now?: () => number,
): Lifecycle {
  return {
    start: (name, config) => {
      const id = nextId()
      const started_at = now && Math.floor(now() / 1000)
      return Promise.resolve({ id, problems: instances.open({ id, started_at, name, config }) })
    },
    close: instance => instances.close(instance),
  }
}

import type { MetricObjectWithValues, MetricValue } from 'prom-client'

import type { InstanceStart } from '../instances.ts'
import type { Started } from '../lifecycle.ts'

/** A registry's metrics, as prom-client carries them from one process to another. */
export type CarriedMetrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/** What the primary asks of a worker. */
export type WorkerRequests = {
  /** Instances that it is to have; what is wrong with each, a problem a line. */
  readonly open: (instances: readonly InstanceStart[]) => readonly string[]
  /** Resolves when the instance's events are over. */
  readonly close: (id: number) => Promise<void>
  readonly metrics: () => Promise<CarriedMetrics>
  /** Why requests should not be sent to it. */
  readonly problems: () => Promise<readonly string[]>
  /** To end its connections as their events end: then it has nothing left to do. Its last metrics. */
  readonly end: () => Promise<CarriedMetrics>
}

/** What a worker asks of the primary, and tells it. */
export type PrimaryRequests = {
  /** To have an instance in every worker. */
  readonly start: (instance: { readonly name: string; readonly config: string }) => Promise<Started>
  /** To close one everywhere; resolves when the asker has closed it. */
  readonly close: (id: number) => Promise<void>
  /** A sign of life: every `beat_ms`. */
  readonly beat: () => void
  /** It has the connection it was given. */
  readonly taken: () => void
}

/** How often a worker gives a sign of life, in milliseconds. */
export const beat_ms = 250

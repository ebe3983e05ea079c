import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'

import type { CarriedMetrics } from './messages.ts'

/** Why there is another worker in the place of one. */
export type Replaced = 'ended' | 'hung' | 'restart'

/** What the primary counts about its workers. */
export interface WorkerMetrics {
  readonly registry: Registry
  replaced(why: Replaced): void
}

export function createWorkerMetrics(ready: () => number): WorkerMetrics {
  const registry = new Registry()
  new Gauge({
    name: 'plugin_server_workers',
    help: 'Processes of the plugin server that serve requests now.',
    registers: [registry],
    collect() {
      this.set(ready())
    },
  })
  const replaced = new Counter({
    name: 'plugin_server_workers_replaced_total',
    help: 'Workers that another took the place of: ended by itself, hung, or restart when asked to.',
    labelNames: ['why'],
    registers: [registry],
  })
  return { registry, replaced: why => replaced.inc({ why }) }
}

/** The metrics of all workers as one, over the life of each of them. */
export interface WorkerTotals {
  /** What a worker said last. */
  saw(worker: number, metrics: CarriedMetrics): void
  /** It is gone: what it counted still counts, what it was does not. */
  retire(worker: number): void
  /** Prometheus text, with these metrics of the primary's. */
  text(primary: CarriedMetrics): Promise<string>
}

/**
 * Counters never fall, also when a worker that counted is gone: Prometheus would take that for a
 * restart and count everything a second time. What a worker counted after it was last asked goes
 * with it.
 */
export function totalMetrics(): WorkerTotals {
  const last = new Map<number, CarriedMetrics>()
  let retired: CarriedMetrics = []
  return {
    saw: (worker, metrics) => void last.set(worker, metrics),
    retire(worker) {
      const metrics = last.get(worker)
      last.delete(worker)
      if (metrics) retired = sum([retired, metrics.filter(isCounted)])
    },
    text: primary => toRegistry([retired, primary, ...last.values()]).metrics(),
  }
}

function isCounted({ type }: CarriedMetrics[number]): boolean {
  return ['counter', 'histogram', 'summary'].includes(String(type))
}

/** @types of prom-client ask for one metric where it takes a list of them. */
function toRegistry(parts: readonly CarriedMetrics[]): Registry {
  return AggregatorRegistry.aggregate(parts as unknown as object[])
}

function sum(parts: readonly CarriedMetrics[]): CarriedMetrics {
  // Synchronous, since nothing of an aggregated registry is collected anew.
  return (
    toRegistry(parts) as unknown as { getMetricsAsArray(): CarriedMetrics }
  ).getMetricsAsArray()
}

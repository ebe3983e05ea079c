import { Counter, Gauge, Histogram, Registry } from 'prom-client'

import type { Ending } from './conversation.ts'

/** How an event ended: as Kong sees it, or `failed` when the phase threw and became a 503. */
export type EventOutcome = Ending | 'failed'

/** What the plugin server counts about itself; the plugin has a registry of its own. */
export interface ServerMetrics {
  readonly registry: Registry
  /** Begins an event; the function it gives ends it. */
  event(): (outcome: EventOutcome) => void
  instanceStart(result: 'ok' | 'failed'): void
  /** Where the gauges read from, whenever somebody asks. */
  watch(sizes: { readonly instances: () => number; readonly connections: () => number }): void
}

/** Seconds: a cached verdict takes half a millisecond, a sign-in waits for another company. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createServerMetrics(): ServerMetrics {
  const registry = new Registry()
  const registers = [registry]
  /** Events that went on and that the counter does not know yet: there are far more than scrapes. */
  let continued = 0
  const events = new Counter({
    name: 'plugin_server_events_total',
    help: 'Events of Kong by how they ended: continued, exited, failed (answered 503), dropped.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.inc({ outcome: 'continued' }, continued)
      continued = 0
    },
  })
  /** Seconds that the histogram does not know yet: in groups, an observation costs half as much. */
  const ended = new Float64Array(256)
  let ended_count = 0
  const seconds = new Histogram({
    name: 'plugin_server_event_seconds',
    help: 'Time from an event of Kong to its end, the round trips of PDK calls included.',
    buckets,
    registers,
    collect: observeEnded,
  })
  function observeEnded(): void {
    for (const each of ended.subarray(0, ended_count)) seconds.observe(each)
    ended_count = 0
  }
  const starts = new Counter({
    name: 'plugin_server_instance_starts_total',
    help: 'Configurations that Kong asked to start: ok, or failed (refused by the plugin).',
    labelNames: ['result'],
    registers,
  })
  // A series that is there from the start: its first rise is seen, which is the one that matters.
  for (const outcome of ['continued', 'exited', 'failed', 'dropped'] as const)
    events.inc({ outcome }, 0)
  for (const result of ['ok', 'failed']) starts.inc({ result }, 0)
  let sizes = { instances: () => 0, connections: () => 0 }
  new Gauge({
    name: 'plugin_server_instances',
    help: 'Plugin instances that run now: one per plugin entity and nginx worker.',
    // Every worker has all of them.
    aggregator: 'max',
    registers,
    collect() {
      this.set(sizes.instances())
    },
  })
  new Gauge({
    name: 'plugin_server_connections',
    help: 'Connections of Kong that are open now.',
    registers,
    collect() {
      this.set(sizes.connections())
    },
  })
  return {
    registry,
    event() {
      const began = performance.now()
      return outcome => {
        if (ended_count === ended.length) observeEnded()
        ended[ended_count] = (performance.now() - began) / 1000
        ended_count += 1
        if (outcome === 'continued') continued += 1
        else events.inc({ outcome })
      }
    },
    instanceStart: result => starts.inc({ result }),
    watch: given => void (sizes = given),
  }
}

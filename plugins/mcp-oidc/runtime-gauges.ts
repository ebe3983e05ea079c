import { Gauge, type Registry } from 'prom-client'
import type { PoolUse } from '../../storage/pool-use.ts'

/** What can be read of one runtime at any time. */
export interface RuntimeGauges {
  /** By pool. */
  readonly pools: () => Readonly<Record<string, PoolUse>>
  /** Seconds for which nobody has confirmed that ends of connections are heard of. */
  readonly listening: () => number
  /** Seconds that the oldest audit event waits which is not on disk yet. */
  readonly audit_lag: () => number
  /** Entries held, by cache. */
  readonly caches: () => Readonly<Record<string, number>>
  /** Asks the database; undefined when that does not answer. */
  readonly active_connections: () => Promise<number | undefined>
}

/** Shows a runtime's gauges under its issuer until the function it gives is called. */
export type WatchRuntime = (issuer: string, gauges: RuntimeGauges) => () => void

/** The gauges of every runtime that is watched, read when somebody asks for the metrics. */
export function createRuntimeGauges(registry: Registry): WatchRuntime {
  const watched = new Map<string, RuntimeGauges>()
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (gauge: Gauge, issuer: string, gauges: RuntimeGauges) => Promise<void> | void,
    /** How the workers of a plugin server are told as one. */
    aggregator: 'sum' | 'max' = 'sum',
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['issuer', ...labelNames],
      aggregator,
      registers: [registry],
      async collect() {
        this.reset()
        await Promise.all([...watched].map(async entry => read(this, ...entry)))
      },
    })
  gauge(
    'mcp_oidc_database_pool',
    'Database connections of the pool by state: idle, busy; waiting are requests without one.',
    ['pool', 'state'],
    (use, issuer, gauges) => {
      for (const [pool, { total, idle, waiting }] of Object.entries(gauges.pools())) {
        use.set({ issuer, pool, state: 'idle' }, idle)
        use.set({ issuer, pool, state: 'busy' }, total - idle)
        use.set({ issuer, pool, state: 'waiting' }, waiting)
      }
    },
  )
  gauge(
    'mcp_oidc_listener_silence_seconds',
    'Time since it was last confirmed that ends of connections are heard of; about one when all is well.',
    [],
    (silence, issuer, gauges) => silence.set({ issuer }, gauges.listening()),
    'max',
  )
  gauge(
    'mcp_oidc_audit_lag_seconds',
    'Age of the oldest audit event that is not on disk yet; 0 when all are.',
    [],
    (lag, issuer, gauges) => lag.set({ issuer }, gauges.audit_lag()),
    'max',
  )
  gauge(
    'mcp_oidc_cache_entries',
    'Entries held by a cache.',
    ['cache'],
    (entries, issuer, gauges) => {
      for (const [cache, size] of Object.entries(gauges.caches()))
        entries.set({ issuer, cache }, size)
    },
  )
  gauge(
    'mcp_oidc_connections_active',
    'Connections that are neither ended nor expired, in the database: every plugin server says the same.',
    [],
    async (active, issuer, gauges) => {
      const count = await gauges.active_connections()
      if (count !== undefined) active.set({ issuer }, count)
    },
    'max',
  )
  return (issuer, gauges) => {
    watched.set(issuer, gauges)
    return () => {
      // While a configuration is replaced, two runtimes of one issuer overlap: the newer one counts.
      if (watched.get(issuer) === gauges) watched.delete(issuer)
    }
  }
}

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LogMessage } from './log-message.ts'
import type { ServerStatistics } from './server-statistics.ts'

const KONG_LATENCY = [1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000]
const UPSTREAM_LATENCY = [25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10_000, 30_000, 60_000]

/** Which of its metrics a prometheus plugin feeds. */
export interface Observed {
  readonly status_code_metrics: boolean
  readonly latency_metrics: boolean
  readonly bandwidth_metrics: boolean
}

/** What Kong 3.9's prometheus plugin exports, by its names and labels, as far as it exists here. */
export interface KongMetrics {
  observe(message: LogMessage, observed: Observed): void
  /** In Prometheus' text format, with its content type. */
  expose(statistics: ServerStatistics): Promise<{ readonly type: string; readonly text: string }>
}

/** Metrics in a registry of their own. Nobody is named: `consumer` is always empty, as there is none. */
export function createKongMetrics(node_id: string): KongMetrics {
  const registry = new Registry()
  const registers = [registry]
  const status = new Counter({
    name: 'kong_http_requests_total',
    help: 'HTTP status codes per consumer/service/route in Kong',
    labelNames: ['service', 'route', 'code', 'source', 'workspace', 'consumer'],
    registers,
  })
  const bandwidth = new Counter({
    name: 'kong_bandwidth_bytes',
    help: 'Total bandwidth (ingress/egress) throughput in bytes',
    labelNames: ['service', 'route', 'direction', 'workspace', 'consumer'],
    registers,
  })
  const latency = (name: string, what: string, buckets: number[]) =>
    new Histogram({
      name: `kong_${name}`,
      help: `${what} for each service/route in Kong`,
      labelNames: ['service', 'route', 'workspace'],
      buckets,
      registers,
    })
  const request = latency('request_latency_ms', 'Total latency of requests', UPSTREAM_LATENCY)
  const upstream = latency('upstream_latency_ms', 'Latency of the upstream', UPSTREAM_LATENCY)
  const kong = latency('kong_latency_ms', 'Latency of Kong and its plugins', KONG_LATENCY)
  const setStatistics = createGauges(registry, node_id)

  return {
    observe(
      { latencies, request: { size }, response, route, service, source, workspace_name },
      observed,
    ) {
      // As in Kong: what matched no route is not counted here.
      if (!route) return
      const where = { service: service?.name ?? '', route: route.name, workspace: workspace_name }
      if (observed.status_code_metrics) {
        const from = source === 'upstream' ? 'service' : 'kong'
        status.inc({ ...where, code: response.status, source: from, consumer: '' })
      }
      if (observed.bandwidth_metrics) {
        bandwidth.inc({ ...where, direction: 'ingress', consumer: '' }, size)
        bandwidth.inc({ ...where, direction: 'egress', consumer: '' }, response.size)
      }
      if (observed.latency_metrics) {
        request.observe(where, latencies.request)
        if (latencies.proxy >= 0) upstream.observe(where, latencies.proxy)
        kong.observe(where, latencies.kong)
      }
    },
    async expose(statistics) {
      setStatistics(statistics)
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

function createGauges(registry: Registry, node_id: string) {
  const registers = [registry]
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Gauge({ name: `kong_${name}`, help, labelNames, registers })
  const http = { node_id, subsystem: 'http' } as const
  const connections = gauge('nginx_connections_total', 'Number of connections by subsystem', [
    'node_id',
    'subsystem',
    'state',
  ])
  const requests = gauge('nginx_requests_total', 'Number of requests total', [
    'node_id',
    'subsystem',
  ])
  const memory = gauge('memory_workers_lua_vms_bytes', "Bytes of Node's heap in use", [
    'node_id',
    'pid',
    'kong_subsystem',
  ])
  gauge('datastore_reachable', 'Always 1: there is no datastore', []).set(1)
  gauge('node_info', 'Kong Node metadata information', ['node_id', 'version']).set(
    { node_id, version: 'local' },
    1,
  )
  return (statistics: ServerStatistics): void => {
    for (const [name, value] of Object.entries<number>({ ...statistics })) {
      connections.set({ ...http, state: name.replace(/^connections_|_requests$/, '') }, value)
    }
    requests.set(http, statistics.total_requests)
    const { heapUsed } = process.memoryUsage()
    memory.set({ node_id, pid: process.pid, kong_subsystem: 'http' }, heapUsed)
  }
}

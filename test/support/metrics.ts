export interface Metric {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const mcp = { service: 'mcp-server', route: 'mcp' }
const oauth = { service: '', route: 'oauth' }

/** What Kong's prometheus plugin tells, by its names, once there were calls, refusals and sign-ins. */
export const kong_metrics: readonly Omit<Metric, 'value'>[] = [
  { name: 'kong_http_requests_total', labels: { ...mcp, code: '200', source: 'service' } },
  { name: 'kong_http_requests_total', labels: { ...mcp, code: '401', source: 'kong' } },
  { name: 'kong_http_requests_total', labels: { ...oauth, code: '200', source: 'kong' } },
  { name: 'kong_bandwidth_bytes', labels: { ...mcp, direction: 'ingress' } },
  { name: 'kong_bandwidth_bytes', labels: { ...mcp, direction: 'egress' } },
  ...['kong_request_latency_ms', 'kong_upstream_latency_ms', 'kong_kong_latency_ms'].flatMap(
    name => [
      { name: `${name}_bucket`, labels: { ...mcp, le: '+Inf' } },
      { name: `${name}_count`, labels: mcp },
      { name: `${name}_sum`, labels: mcp },
    ],
  ),
  { name: 'kong_kong_latency_ms_count', labels: oauth },
  { name: 'kong_datastore_reachable', labels: {} },
  { name: 'kong_node_info', labels: {} },
  { name: 'kong_nginx_connections_total', labels: { subsystem: 'http', state: 'accepted' } },
  { name: 'kong_nginx_requests_total', labels: { subsystem: 'http' } },
]

/** Every sample of Prometheus' text format. */
export function readMetrics(text: string): readonly Metric[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map(([, label = '', said = '']) => [label, said])),
        value: Number(value),
      },
    ]
  })
}

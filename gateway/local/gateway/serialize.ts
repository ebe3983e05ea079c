import type { ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'
import { HeaderLines } from './header-lines.ts'
import type { LogMessage } from './log-message.ts'
import { getRequestHeaders } from './request-headers.ts'
import type { RouteDescription } from './route.ts'

/** nginx's status of a client that went away before it got an answer. */
const CLIENT_CLOSED = 499
const WORKSPACE = 'default'

/** Bytes of one exchange on its connection. */
export interface Traffic {
  readonly received: number
  readonly sent: number
}

/** Kong's `kong.log.serialize`, for an exchange that is over. `Authorization` is redacted as there. */
export function serialize(
  exchange: Exchange,
  response: ServerResponse,
  { received, sent }: Traffic,
): LogMessage {
  const { headers, progress, route, target } = exchange
  const uri = latin1(target.raw)
  const message: LogMessage = {
    request: {
      id: exchange.request_id,
      method: exchange.method,
      uri,
      url: `${exchange.scheme}://${exchange.host}:${exchange.port}${uri}`,
      querystring: parseQuery(target.query),
      headers: withoutCredentials(headers),
      size: received,
      ...(exchange.tls ? { tls: exchange.tls } : {}),
    },
    upstream_uri: latin1(progress.upstream_uri ?? ''),
    upstream_status: String(progress.upstream_status ?? ''),
    response: {
      status: response.headersSent ? response.statusCode : CLIENT_CLOSED,
      headers: getRequestHeaders(progress.response_headers ?? new HeaderLines(), 100),
      size: sent,
    },
    latencies: latencies(exchange),
    ...(progress.proxied !== undefined && route?.service
      ? { tries: [{ ip: route.service.host, port: route.service.port }] }
      : {}),
    ...(route ? { route: describe(route) } : {}),
    ...(route?.service ? { service: { ...route.service } } : {}),
    client_ip: exchange.client_ip,
    started_at: progress.started_at,
    source: progress.upstream_status === undefined ? 'kong' : 'upstream',
    workspace: WORKSPACE,
    workspace_name: WORKSPACE,
  }
  return { ...message, ...Object.fromEntries(exchange.serialize_values) }
}

function latencies({ progress }: Exchange): LogMessage['latencies'] {
  const { started, proxied, answered, responded } = progress
  const over = performance.now()
  const ended = Math.round(over - started)
  return {
    kong: Math.round((proxied ?? responded ?? over) - started),
    proxy: proxied === undefined ? -1 : Math.round((answered ?? over) - proxied),
    request: ended,
    receive: answered === undefined ? 0 : Math.round(over - answered),
  }
}

function withoutCredentials(headers: HeaderLines) {
  const listed = getRequestHeaders(headers, 100)
  const hidden = ['authorization', 'proxy-authorization'].filter(name => name in listed)
  return { ...listed, ...Object.fromEntries(hidden.map(name => [name, 'REDACTED'])) }
}

/** Named one by one: what a route has beside these, its plugins' settings, is nobody's to read. */
function describe(route: RouteDescription) {
  const { name, paths, methods, hosts, regex_priority, strip_path, preserve_host, service } = route
  return {
    ...{ name, paths, methods, hosts, regex_priority, strip_path, preserve_host },
    ...(service ? { service: { name: service.name } } : {}),
  }
}

function parseQuery(query: string): LogMessage['request']['querystring'] {
  const parsed = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) {
    parsed.set(name, [...(parsed.get(name) ?? []), value])
  }
  return Object.fromEntries(
    [...parsed].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

/** A request target is bytes; in JSON it is text. */
function latin1(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

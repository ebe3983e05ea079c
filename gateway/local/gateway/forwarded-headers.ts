import type { Exchange } from './exchange.ts'
import { HeaderLines } from './header-lines.ts'
import type { Match } from './router.ts'
import type { Service } from './upstream-service.ts'

/** Names this gateway in `Via`. */
const GATEWAY = 'mcp-oidc-local-gateway'

/** RFC 9110 7.6.1: about one connection only. `TE` may ask for trailers, which are not passed on. */
const HOP_BY_HOP = [
  'Connection',
  'Keep-Alive',
  'Proxy',
  'Proxy-Connection',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
]

/** What an upstream tells nginx alone. */
const FOR_NGINX = [
  'X-Accel-Buffering',
  'X-Accel-Charset',
  'X-Accel-Expires',
  'X-Accel-Limit-Rate',
  'X-Accel-Redirect',
  'X-Pad',
]

/** The headers the upstream gets, with the X-Forwarded ones as Kong writes them for a client it does not trust. */
export function upstreamHeaders(exchange: Exchange, match: Match, body: Uint8Array): HeaderLines {
  const headers = new HeaderLines(exchange.headers.raw)
  const host = match.route.preserve_host ? headers.values('Host')[0] : undefined
  const announced = headers.has('Content-Length') || headers.has('Transfer-Encoding')
  clearHopByHop(headers)
  for (const name of ['Host', 'Content-Length', 'Expect']) headers.clear(name)
  if (match.route.service) headers.set('Host', host ?? authority(match.route.service))
  if (announced || body.length > 0) headers.set('Content-Length', String(body.length))
  const before = headers.values('X-Forwarded-For')
  headers.set('X-Forwarded-For', [...before, exchange.client_ip].join(', '))
  headers.set('X-Forwarded-Proto', exchange.scheme)
  headers.set('X-Forwarded-Host', exchange.host)
  headers.set('X-Forwarded-Port', String(exchange.port))
  headers.set('X-Forwarded-Path', exchange.target.raw_path)
  headers.clear('X-Forwarded-Prefix')
  if (match.prefix !== undefined && match.prefix !== '/' && match.prefix !== '') {
    headers.set('X-Forwarded-Prefix', match.prefix)
  }
  headers.set('X-Real-IP', exchange.client_ip)
  headers.set('Via', [...headers.values('Via'), `1.1 ${GATEWAY}`].join(', '))
  headers.set('X-Kong-Request-Id', exchange.request_id)
  return headers
}

/** The headers the client gets of an upstream's answer. */
export function downstreamHeaders(raw: readonly string[]): HeaderLines {
  const headers = new HeaderLines(raw)
  clearHopByHop(headers)
  for (const name of FOR_NGINX) headers.clear(name)
  headers.set('Via', [...headers.values('Via'), `1.1 ${GATEWAY}`].join(', '))
  return headers
}

function clearHopByHop(headers: HeaderLines): void {
  const named = headers.values('Connection').flatMap(value => value.split(','))
  for (const name of [...named, ...HOP_BY_HOP]) headers.clear(name.trim())
}

function authority({ protocol, host, port }: Service): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (protocol === 'https' ? 443 : 80) ? name : `${name}:${port}`
}

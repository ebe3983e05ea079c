import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Exchange, Log } from './exchange.ts'
import { HeaderLines } from './header-lines.ts'
import { begin } from './progress.ts'
import { RequestBody } from './request-body.ts'
import { repeatedHeader } from './request-headers.ts'
import { parseTarget } from './request-target.ts'
import type { Match, Router } from './router.ts'

/** Where a request arrived. */
export interface Surface {
  readonly max_body_bytes: number
  /** For request bodies that are handed over as files. */
  readonly folder: string
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A request as nginx would have taken it, with its route, or `undefined` where nginx answers 400. */
export function readExchange(
  request: IncomingMessage,
  router: Router,
  { folder, log, max_body_bytes, now }: Surface,
): { readonly exchange: Exchange; readonly match: Match | undefined } | undefined {
  const headers = new HeaderLines(request.rawHeaders)
  const target = parseTarget(request.url ?? '')
  if (!target || repeatedHeader(headers) !== undefined) return undefined
  const { socket, method = '' } = request
  const host = (request.headers.host ?? '').toLowerCase().replace(/:\d*$/, '')
  const body = new RequestBody(request, max_body_bytes, folder)
  // nginx refuses such a body before Kong looks for a route.
  const match = body.announced_too_long ? undefined : router({ method, path: target.path, host })
  const exchange: Exchange = {
    request_id: randomBytes(16).toString('hex'),
    method,
    target,
    host,
    scheme: socket instanceof TLSSocket ? 'https' : 'http',
    tls: socket instanceof TLSSocket ? describeTls(socket) : undefined,
    port: socket.localPort ?? 0,
    client_ip: socket.remoteAddress ?? '',
    headers,
    response_headers: new HeaderLines(),
    body,
    shared: new Map(),
    route: match?.route,
    progress: begin(now),
    serialize_values: new Map(),
    log,
  }
  return { exchange, match }
}

function describeTls(socket: TLSSocket) {
  return { version: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName }
}

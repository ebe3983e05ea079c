import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Exchange, Log } from './exchange.ts'
import { HeaderLines } from './header-lines.ts'
import { RequestBody } from './request-body.ts'
import { repeatedHeader } from './request-headers.ts'
import { parseTarget } from './request-target.ts'

/** A request as nginx would have taken it, or `undefined` where nginx answers 400. */
export function readExchange(
  request: IncomingMessage,
  gateway: {
    readonly port: number
    readonly max_body_bytes: number
    /** For request bodies that are handed over as files. */
    readonly folder: string
    readonly log: Log
  },
): Exchange | undefined {
  const headers = new HeaderLines(request.rawHeaders)
  const target = parseTarget(request.url ?? '')
  if (!target || repeatedHeader(headers) !== undefined) return undefined
  return {
    request_id: randomBytes(16).toString('hex'),
    method: request.method ?? '',
    target,
    host: (request.headers.host ?? '').toLowerCase().replace(/:\d*$/, ''),
    port: gateway.port,
    client_ip: request.socket.remoteAddress ?? '',
    headers,
    response_headers: new HeaderLines(),
    body: new RequestBody(request, gateway.max_body_bytes, gateway.folder),
    shared: new Map(),
    log: gateway.log,
  }
}

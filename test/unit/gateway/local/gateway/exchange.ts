import type { Exchange } from '../../../../../gateway/local/gateway/exchange.ts'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'

/** As much of a request as the plugins look at. */
export function exchange(given: {
  readonly headers?: readonly string[]
  readonly client_ip?: string
  readonly path?: string
  readonly service?: string
}): Exchange {
  const { client_ip = '192.0.2.1', headers = [], path = '/', service } = given
  return {
    request_id: 'f'.repeat(32),
    client_ip,
    headers: new HeaderLines(headers),
    response_headers: new HeaderLines(),
    target: { path },
    route: service === undefined ? undefined : { service: { name: service } },
    serialize_values: new Map(),
  } as unknown as Exchange
}

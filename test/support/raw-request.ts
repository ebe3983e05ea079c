import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request as http } from 'node:http'
import { request as https } from 'node:https'
import { text } from 'node:stream/consumers'

export interface RawRequest {
  readonly method?: string
  /** Name, value, name, value: as they are sent, also twice. `Host` is added unless given. */
  readonly headers?: readonly string[]
  readonly body?: string
}

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request whose path and headers nobody normalises, on a connection of its own. */
export async function rawRequest(
  origin: string,
  path: string,
  { method = 'GET', headers = [], body = '' }: RawRequest = {},
): Promise<RawResponse> {
  const { protocol, hostname, port, host } = new URL(origin)
  const named = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  const lines = [...(named ? [] : ['Host', host]), ...headers]
  if (body !== '') lines.push('Content-Length', String(Buffer.byteLength(body)))
  const send = protocol === 'https:' ? https : http
  const outgoing = send({ hostname, port, method, path, headers: lines, agent: false })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const { statusCode: status = 0 } = response
  return { status, headers: response.headers, body: await text(response) }
}

import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request as http } from 'node:http'
import { request as https } from 'node:https'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'

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

/** A POST whose client goes away when it has sent half of the body, all of it, or got some bytes. */
export async function abandonRequest(
  origin: string,
  path: string,
  { headers = [], body = '' }: RawRequest,
  when: 'half sent' | 'sent' | 'half answered',
): Promise<void> {
  const { protocol, hostname, port, host } = new URL(origin)
  const tls = protocol === 'https:'
  const at = { host: hostname, port: Number(port || (tls ? 443 : 80)) }
  const socket = tls ? connectTls({ ...at, servername: hostname }) : connect(at)
  await once(socket, tls ? 'secureConnect' : 'connect')
  const length = Buffer.byteLength(body)
  const lines = ['Host', host, ...headers, 'Content-Length', String(length)]
  const head = lines.map((text, index) => text + (index % 2 === 0 ? ': ' : '\r\n')).join('')
  const part = when === 'half sent' ? body.slice(0, length / 2) : body
  const sent = new Promise(resolve => {
    socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n${part}`, resolve)
  })
  await sent
  if (when === 'half answered') await once(socket, 'data')
  socket.destroy()
}

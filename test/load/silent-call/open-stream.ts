import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { StreamingUpstream } from '../../support/streaming-upstream.ts'
import { mcp_headers, toolCall } from '../tool-request.ts'

/** A stream of events, with both its ends in this process: one clock times them. */
export interface OpenStream {
  readonly outgoing: ClientRequest
  readonly answer: IncomingMessage
  /** The upstream's end. */
  readonly stream: ServerResponse
  /** Milliseconds that the headers of the answer took through the gateway. */
  readonly headers_took: number
}

/** Calls a tool that streams, on a connection of its own. Rejects when the answer is no stream. */
export async function openStream(
  url: string,
  upstream: StreamingUpstream,
  token: string,
  signal: AbortSignal,
): Promise<OpenStream> {
  const { host, hostname, port } = new URL(url)
  const headers = ['Host', host, ...mcp_headers, 'X-Stream', 'yes']
  const began = upstream.nextStream().then(stream => ({ stream, at: performance.now() }))
  const outgoing = request({
    ...{ hostname, port, agent: false, signal, method: 'POST', path: '/mcp' },
    headers: [...headers, 'Authorization', `Bearer ${token}`],
  })
  outgoing.end(toolCall('silent'))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const arrived = performance.now()
  // Once the answer is there a failure of the connection is told by the answer.
  outgoing.on('error', () => undefined)
  if (answer.headers['content-type'] !== 'text/event-stream') {
    outgoing.destroy()
    throw new Error(`the gateway answered ${answer.statusCode ?? 0} instead of the stream`)
  }
  const { at, stream } = await began
  return { outgoing, answer, stream, headers_took: arrived - at }
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request and its answer, as they went over the wire. */
export interface Recorded {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Name, value, name, value. */
  readonly request_headers: readonly string[]
  readonly request_body: string
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

/** An answer in the place of the real one. */
export interface Instead {
  readonly status: number
  readonly body: string
}

export interface Recorder {
  readonly port: number
  readonly exchanges: readonly Recorded[]
  /** Has requests answered here instead of there, as long as it gives something. */
  answer: ((url: string, body: string) => Instead | undefined) | undefined
  close(): Promise<void>
}

/** Stands in front of a server on this computer and writes down all that passes. */
export async function openRecorder(target: () => number): Promise<Recorder> {
  const exchanges: Recorded[] = []
  const recorder = { answer: undefined as Recorder['answer'] }
  const server = createServer((incoming, outgoing) => {
    const pass = async () => {
      const { method = 'GET', url = '/', rawHeaders: request_headers } = incoming
      const request_body = await bytesOf(incoming)
      const seen = { method, url, request_headers, request_body: request_body.toString() }
      const instead = recorder.answer?.(url, seen.request_body)
      if (instead) {
        outgoing.writeHead(instead.status, { 'content-type': 'application/json' }).end(instead.body)
        exchanges.push({ ...seen, ...instead, headers: [] })
        return
      }
      const there = request({
        host: '127.0.0.1',
        port: target(),
        method,
        path: url,
        agent: false,
        headers: [...request_headers],
      })
      there.end(request_body)
      const [answer] = (await once(there, 'response')) as [IncomingMessage]
      const { statusCode: status = 0, rawHeaders: headers } = answer
      const body = await bytesOf(answer)
      exchanges.push({ ...seen, status, headers, body: body.toString() })
      outgoing.writeHead(status, headers).end(body)
    }
    pass().catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(recorder, {
    port,
    exchanges,
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Every value of a header, in order. */
export function valuesOf(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name)
}

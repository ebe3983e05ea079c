import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: readonly { readonly key: string; readonly value: object }[]
  readonly status: { readonly code?: number }
}

/** Takes spans as an OpenTelemetry collector does, by OTLP over HTTP in JSON. */
export interface SpanCollector {
  readonly url: string
  /** Everything received, as it came. */
  received(): string
  spans(): readonly Span[]
  close(): void
}

export async function openSpanCollector(): Promise<SpanCollector> {
  const received: string[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      received.push(body)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received.join(''),
    spans: () =>
      received.flatMap(each => {
        const { resourceSpans } = JSON.parse(each) as {
          resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
        }
        return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      }),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The attributes of a span by name. */
export const attributesOf = (span: Span | undefined): Record<string, unknown> =>
  Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0] as unknown]),
  )

import type { Express } from 'express'
import { inject } from 'light-my-request'
import type { Headers, Pdk, RawBody } from '../../../gateway/plugin-server/pdk.ts'
import { FailedRequest } from '../failed-request.ts'
import { readBody } from '../http/read-body.ts'
import { requestSpan } from '../tracing/request-span.ts'
import { parseTraceparent } from '../tracing/trace-context.ts'
import type { Tracer } from '../tracing/tracer.ts'

/** A registration with 32 redirect URIs is under 10 kB. */
const most_body_bytes = 64 * 1024
const kong_header_limit = 1000

const not_sent: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
])

/**
 * `serve: authorization`. The app answers in process, and its answer is the end of the request.
 * Gives its status. Throws FailedRequest once the headers are read. All that is to be known is asked
 * at once, which is one exchange with Kong; a body too, whatever the method is: Kong's is empty where
 * there is none.
 */
export async function serveAuthorization(kong: Pdk, app: Express, tracer: Tracer): Promise<number> {
  const given = kong.request.getHeaders(kong_header_limit)
  const asked = Promise.all([
    kong.request.getMethod(),
    kong.request.getPathWithQuery(),
    kong.client.getForwardedIp(),
  ])
  const body = kong.request.getRawBody()
  // Who waits for them is told, and nobody may come to that.
  for (const late of [asked, body]) late.catch(() => undefined)
  const headers = await given
  try {
    const [method, url, ip] = await asked
    if (!methods.has(method)) {
      await kong.response.exit(405, unknown_method, { 'content-type': 'application/json' })
      return 405
    }
    const { name, attributes } = requestSpan(method, url, headers)
    return await tracer.request(name, parseTraceparent(headers['traceparent']), attributes, () =>
      answer(kong, app, { method, url, headers, ip, body }),
    )
  } catch (error) {
    throw new FailedRequest(error, headers)
  }
}

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  /** The client's address, as Kong sees it. */
  readonly ip: string
  /** Of no interest where the method has none. */
  readonly body: Promise<RawBody>
}

async function answer(
  kong: Pdk,
  app: Express,
  { headers, method, url, ip, body }: Asked,
): Promise<number> {
  // One byte more than allowed is enough for the app to refuse the rest.
  const payload = hasBody(method) ? await readBody(await body, most_body_bytes + 1) : undefined
  const response = await inject(app, {
    method: method as 'GET',
    url,
    headers: withoutLength(headers),
    remoteAddress: ip,
    ...(payload ? { payload } : {}),
  })
  await kong.response.exit(
    response.statusCode,
    response.rawPayload,
    answerHeaders(response.headers),
  )
  return response.statusCode
}

const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'OPTIONS',
  'PUT',
  'PATCH',
  'DELETE',
])
const unknown_method = JSON.stringify({
  error: 'invalid_request',
  error_description: 'This method is not served here.',
})

function hasBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

/** The length follows from the bytes we have, not from what the client said. */
function withoutLength(headers: Headers): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(?:content-length|transfer-encoding)$/i.test(name),
  )
  return Object.fromEntries(
    kept.map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

function answerHeaders(headers: Readonly<Record<string, unknown>>): Headers {
  const kept = Object.entries(headers).filter(
    ([name, value]) => !not_sent.has(name) && value !== undefined,
  )
  return Object.fromEntries(
    kept.map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]),
  )
}

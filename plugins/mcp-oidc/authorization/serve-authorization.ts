import type { Headers, Pdk, RawBody } from '../../../gateway/plugin-server/pdk.ts'
import { FailedRequest } from '../failed-request.ts'
import { readBody } from '../http/read-body.ts'
import { requestSpan } from '../tracing/request-span.ts'
import { parseTraceparent } from '../tracing/trace-context.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { type AnswerRequest, type ClientRequest, most_body_bytes } from './answer-request.ts'

const kong_header_limit = 1000

const not_sent: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
])

/**
 * `serve: authorization`. The answer is made in process, and is the end of the request.
 * Gives its status. Throws FailedRequest once the headers are read. All that is to be known is asked
 * at once, which is one exchange with Kong; a body too, whatever the method is: Kong's is empty where
 * there is none.
 */
export async function serveAuthorization(
  kong: Pdk,
  answerRequest: AnswerRequest,
  tracer: Tracer,
): Promise<number> {
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
      answer(kong, answerRequest, { method, url, headers, ip, body }),
    )
  } catch (error) {
    throw new FailedRequest(error, headers)
  }
}

interface Asked extends Omit<ClientRequest, 'body'> {
  /** Of no interest where the method has none. */
  readonly body: Promise<RawBody>
}

async function answer(
  kong: Pdk,
  answerRequest: AnswerRequest,
  { headers, method, url, ip, body }: Asked,
): Promise<number> {
  // One byte more than allowed is enough to refuse the rest.
  const payload = hasBody(method) ? await readBody(await body, most_body_bytes + 1) : undefined
  const request = { method, url, headers, ip, ...(payload ? { body: payload } : {}) }
  const response = await answerRequest(request)
  await kong.response.exit(response.status, response.body, answerHeaders(response.headers))
  return response.status
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

function answerHeaders(headers: Readonly<Record<string, unknown>>): Headers {
  const kept = Object.entries(headers).filter(
    ([name, value]) => !not_sent.has(name) && value !== undefined,
  )
  return Object.fromEntries(
    kept.map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]),
  )
}

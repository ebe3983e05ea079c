import type { Headers, Pdk } from '../../../gateway/plugin-server/pdk.ts'
import { requestId } from '../audit.ts'
import { FailedRequest } from '../failed-request.ts'
import { parseTraceparent } from '../tracing/trace-context.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { first } from './first-header.ts'

/** Kong gives no more. */
const kong_header_limit = 1000

/**
 * Judges a request at the MCP endpoint as a span of its trace. `judge` gets all headers of the request
 * and those that hand the trace on, none where no spans are made; it gives the status of a refusal, or
 * undefined for what is passed on. Throws FailedRequest once the headers are read.
 */
export async function traced(
  kong: Pdk,
  tracer: Tracer,
  judge: (headers: Headers, traceparent: Headers) => Promise<number | undefined>,
): Promise<void> {
  const headers = await kong.request.getHeaders(kong_header_limit)
  const request_id = requestId({ headers: { 'x-request-id': first(headers, 'x-request-id') } })
  const attributes = {
    'http.route': '/mcp',
    ...(request_id !== undefined && { 'gateway.request_id': request_id }),
  }
  const parent = parseTraceparent(headers['traceparent'])
  try {
    await tracer.request('admit /mcp', parent, attributes, traceparent =>
      judge(headers, traceparent === undefined ? {} : { traceparent }),
    )
  } catch (error) {
    throw new FailedRequest(error, headers)
  }
}

import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import { requestId } from '../audit.ts'
import { endpoints } from '../authorization/endpoints.ts'
import type { Attributes } from './tracer.ts'

/** First parts of the paths that are served; what follows may be the id of a sign-in. */
const places: ReadonlySet<string> = new Set(
  [
    ...Object.values(endpoints),
    '/.well-known',
    '/connect',
    '/callback',
    '/backchannel-logout',
    '/assets',
  ].map(firstPart),
)

/** What a request to the authorization server is called in a trace: few names, whatever clients ask for. */
export function requestSpan(
  method: string,
  url: string,
  headers: Headers,
): { readonly name: string; readonly attributes: Attributes } {
  const asked = firstPart(url)
  const place = places.has(asked) ? asked : 'elsewhere'
  const id = headers['x-request-id']
  const request_id = requestId({ headers: typeof id === 'string' ? { 'x-request-id': id } : {} })
  return {
    name: `${method} ${place}`,
    attributes: {
      'http.request.method': method,
      'http.route': place,
      ...(request_id !== undefined && { 'gateway.request_id': request_id }),
    },
  }
}

function firstPart(url: string): string {
  return /^\/[^/?]*/.exec(url)?.[0] ?? ''
}

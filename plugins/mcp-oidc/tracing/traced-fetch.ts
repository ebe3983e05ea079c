import type { Tracer } from './tracer.ts'

/** Fetches, as openid-client and jose do: the URL is a text. */
export type Fetch = (url: string, options: RequestInit) => Promise<Response>

/**
 * Fetches as a part of the request under way. Its span has the method, the host, the path and the status;
 * no query, header or body, in which codes, tokens and secrets travel.
 */
export function tracedFetch(tracer: Tracer, send: Fetch = fetch): Fetch {
  return (url, options) => {
    const { host, pathname } = new URL(url)
    const { method = 'GET' } = options
    const attributes = {
      'http.request.method': method,
      'server.address': host,
      'url.path': pathname,
    }
    return tracer.part(`${method} ${host}`, attributes, async note => {
      const response = await send(url, options)
      note({ 'http.response.status_code': response.status })
      return response
    })
  }
}

import { z } from 'zod'
import { createOriginMatcher, originPattern } from './cors-origin.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderLines } from './header-lines.ts'
import { nativePlugin } from './native-plugin.ts'
import { getRequestHeader } from './request-headers.ts'

const METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']

const origin = z.string().refine(entry => {
  if (entry === '*') return true
  try {
    return Boolean(originPattern(entry))
  } catch {
    return false
  }
}, 'is no regular expression')

const config = z.strictObject({
  origins: z.array(origin).nullish(),
  headers: z.array(z.string()).nullish(),
  exposed_headers: z.array(z.string()).nullish(),
  methods: z.array(z.enum(METHODS)).default(METHODS),
  max_age: z.number().nullish(),
  credentials: z.boolean().default(false),
  preflight_continue: z.boolean().default(false),
  private_network: z.literal(false, 'the local gateway knows no private_network').optional(),
})

/**
 * Kong's `cors` (3.9.3): answers preflights itself, and marks every other response of its routes,
 * whether or not the client sent an Origin.
 */
export const cors = nativePlugin({
  name: 'cors',
  priority: 2000,
  config,
  start(settings) {
    const allow = createAllow(settings)
    return {
      access(exchange) {
        if (!isPreflight(exchange) || settings.preflight_continue) return undefined
        const answer = exchange.response_headers
        allow(exchange, answer)
        const asked = getRequestHeader(exchange.headers, 'Access-Control-Request-Headers')
        const headers = settings.headers?.length ? settings.headers.join(',') : asked
        if (headers !== undefined) answer.set('Access-Control-Allow-Headers', headers)
        answer.set('Access-Control-Allow-Methods', settings.methods.join(','))
        if (typeof settings.max_age === 'number') {
          answer.set('Access-Control-Max-Age', String(settings.max_age))
        }
        return { status: 200, body: '', headers: {} }
      },
      header_filter(exchange, response) {
        if (isPreflight(exchange)) return
        allow(exchange, response)
        if (settings.exposed_headers?.length) {
          response.set('Access-Control-Expose-Headers', settings.exposed_headers.join(','))
        }
      },
    }
  },
})

function isPreflight({ method, headers }: Exchange): boolean {
  return (
    method === 'OPTIONS' &&
    Boolean(getRequestHeader(headers, 'Origin')) &&
    getRequestHeader(headers, 'Access-Control-Request-Method') !== undefined
  )
}

/** Writes who may read the response: Access-Control-Allow-Origin, -Credentials and Vary. */
function createAllow({ origins, credentials }: z.output<typeof config>) {
  const match = createOriginMatcher(origins ?? [])
  return ({ headers }: Exchange, answer: HeaderLines): void => {
    const origin = getRequestHeader(headers, 'Origin') ?? ''
    const allowed = match(origin)
    if (allowed === '*' && credentials && origin !== '') {
      // `*` is not allowed together with credentials, so the origin itself stands there.
      answer.append('Vary', 'Origin')
      answer.set('Access-Control-Allow-Origin', origin)
      answer.set('Access-Control-Allow-Credentials', 'true')
      return
    }
    if (allowed !== '*') answer.append('Vary', 'Origin')
    if (allowed === undefined) answer.clear('Access-Control-Allow-Origin')
    else answer.set('Access-Control-Allow-Origin', allowed)
    if (allowed !== '*' && credentials) answer.set('Access-Control-Allow-Credentials', 'true')
  }
}

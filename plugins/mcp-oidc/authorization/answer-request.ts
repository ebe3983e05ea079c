import type { Express } from 'express'
import { inject } from 'light-my-request'
import type { Headers } from '../../../gateway/plugin-server/pdk.ts'
import type { OAuthEndpoint } from './oauth-endpoints.ts'
import type { ProviderResponse } from './provider-handler.ts'
import type { HttpRequest } from './provider-request.ts'

/** A registration with 32 redirect URIs is under 10 kB. */
export const most_body_bytes = 64 * 1024

/** A request as it came. */
export interface ClientRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Headers
  /** The client's address, as Kong sees it. */
  readonly ip: string
  /** Undefined where the method has none; one byte more than allowed is enough to refuse it. */
  readonly body?: Buffer
}

export type AnswerRequest = (
  request: ClientRequest,
) => Promise<Pick<ProviderResponse, 'status' | 'body'> & { readonly headers: HeadersGiven }>

type HeadersGiven = Readonly<Record<string, string | readonly string[] | number | undefined>>

/**
 * Answers in process. An endpoint that programs call is asked without the detour through the app,
 * which would ask it the same: but only a request that leaves the app nothing to read or to refuse.
 */
export function answerRequests(app: Express, oauth: readonly OAuthEndpoint[]): AnswerRequest {
  const known = new Map(oauth.map(({ answer, method, path }) => [`${method} ${path}`, answer]))
  return async request => {
    const { method, url } = request
    const answer = known.get(`${method} ${url.split('?', 1)[0] ?? ''}`)
    const plain = answer && plainRequest(request)
    return answer && plain ? answer(plain) : askApp(app, request)
  }
}

/** Undefined when a header came twice, or the body is compressed or too large. */
function plainRequest({ body, headers, ip, method, url }: ClientRequest): HttpRequest | undefined {
  if (body && body.length > most_body_bytes) return undefined
  const given: Record<string, string> = {}
  for (const [spelled, value] of Object.entries(headers)) {
    const name = spelled.toLowerCase()
    if (typeof value !== 'string' || name === 'content-encoding') return undefined
    given[name] = value
  }
  return { method, url, headers: given, ip, ...(body ? { body } : {}) }
}

async function askApp(app: Express, { body, headers, ip, method, url }: ClientRequest) {
  const response = await inject(app, {
    method: method as 'GET',
    url,
    headers: withoutLength(headers),
    remoteAddress: ip,
    ...(body ? { payload: body } : {}),
  })
  return { status: response.statusCode, headers: response.headers, body: response.rawPayload }
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

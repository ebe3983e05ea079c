import { type Asked, requestId } from '../audit.ts'
import type { Flow } from '../sign-in/flow.ts'
import { unavailable } from '../sign-in/messages.ts'
import { cors_headers } from './cors.ts'
import { endpoints } from './endpoints.ts'
import { answerByProvider, type ProviderResponse } from './provider-handler.ts'
import { askedBy, type HttpRequest } from './provider-request.ts'
import { answerToken } from './refresh/token-handler.ts'
import { answerRegistration } from './registration.ts'
import { security_headers } from './security-headers.ts'

/** A request whose body was read, to an endpoint that programs call: its answer, whoever brought it. */
export type Answer = (request: HttpRequest) => Promise<ProviderResponse>

export interface OAuthEndpoint {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Complete with all of its headers. Never rejects: what fails is answered by a 503. */
  readonly answer: Answer
}

/** `ready` rejects while there is no database to work with. */
export function createOAuthEndpoints(
  flow: Flow,
  ready: () => Promise<void>,
): readonly OAuthEndpoint[] {
  const { audit, log, provider, settings } = flow
  const complete = (answer: Answer, headers: Readonly<Record<string, string>>): Answer => {
    return async request => {
      const response = await ready()
        .then(() => answer(request))
        .catch((error: unknown) => unavailableAnswer(log, askedBy(request), request.url, error))
      return { ...response, headers: { ...headers, ...response.headers } }
    }
  }
  const own = { ...security_headers }
  const shared = { ...security_headers, ...cors_headers }
  const ask = complete(request => answerByProvider(provider, settings, request), shared)
  const register = complete(answerRegistration(provider, settings, audit), shared)
  const introspect = complete(request => answerByProvider(provider, settings, request), own)
  return [
    { method: 'POST', path: endpoints.token, answer: complete(answerToken(flow), shared) },
    { method: 'POST', path: endpoints.registration, answer: register },
    { method: 'POST', path: endpoints.revocation, answer: ask },
    { method: 'POST', path: endpoints.userinfo, answer: ask },
    { method: 'GET', path: endpoints.userinfo, answer: ask },
    { method: 'GET', path: endpoints.jwks, answer: ask },
    ...(settings.resource_servers.length > 0
      ? [{ method: 'POST' as const, path: endpoints.introspection, answer: introspect }]
      : []),
  ]
}

/** Logs what failed. Nothing of it leaks to the program that asked, which may try again. */
export function unavailableAnswer(
  log: Flow['log'],
  asked: Asked,
  path: string,
  error: unknown,
): ProviderResponse {
  logFailure(log, asked, path, error)
  return {
    status: 503,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'retry-after': '5',
    },
    body: Buffer.from(
      JSON.stringify({
        error: 'temporarily_unavailable',
        error_description: unavailable.what_happened,
      }),
    ),
  }
}

/** The first part of the path says where it was; what follows may be the id of a sign-in. */
export function logFailure(log: Flow['log'], asked: Asked, path: string, error: unknown): void {
  const route = /^\/([^/?]*)/.exec(path)?.[1]
  log.error({ err: error, route, request_id: requestId(asked) }, 'request failed')
}

import type { Provider } from 'oidc-provider'
import type { Audit } from '../audit.ts'
import type { Settings } from '../config/settings.ts'
import { clientMetadata } from './client-metadata.ts'
import { askProvider, type ProviderResponse } from './provider-handler.ts'
import { askedBy, type HttpRequest } from './provider-request.ts'

/** RFC 7591: our policy first, then oidc-provider registers what is left. */
export function answerRegistration(
  provider: Provider,
  settings: Settings,
  audit: Audit,
): (request: HttpRequest) => Promise<ProviderResponse> {
  return async request => {
    const asked = clientMetadata(parseJson(request.body), settings)
    if ('error' in asked) {
      await audit(askedBy(request), {
        type: 'registration',
        outcome: 'refused',
        error_code: asked.error,
        reason: asked.error_description,
      })
      return {
        status: 400,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store',
        },
        body: Buffer.from(JSON.stringify(asked)),
      }
    }
    const headers = { ...request.headers, 'content-type': 'application/json' }
    const response = await askProvider(provider, settings, {
      ...request,
      headers,
      body: Buffer.from(JSON.stringify(asked.metadata)),
    })
    const answer = parseJson(response.body) as { client_id?: string; error?: string } | undefined
    const created = response.status === 201
    await audit(askedBy(request), {
      type: 'registration',
      outcome: created ? 'ok' : 'refused',
      ...(answer?.client_id === undefined ? {} : { client_id: answer.client_id }),
      ...(answer?.error === undefined ? {} : { error_code: answer.error }),
    })
    return response.status === 503
      ? { ...response, headers: { ...response.headers, 'retry-after': '3600' } }
      : response
  }
}

function parseJson(body: Buffer | undefined): unknown {
  try {
    return JSON.parse(body?.toString() ?? '')
  } catch {
    // Not an object either: refused by the policy with the same words.
    return undefined
  }
}

import type { RequestHandler } from 'express'
import type { Provider } from 'oidc-provider'
import type { Audit } from '../audit.ts'
import type { Settings } from '../config/settings.ts'
import { clientMetadata } from './client-metadata.ts'
import { askProvider, httpRequest, send } from './provider-handler.ts'

/** RFC 7591: our policy first, then oidc-provider registers what is left. */
export function registrationHandler(
  provider: Provider,
  settings: Settings,
  audit: Audit,
): RequestHandler {
  return async (req, res) => {
    const request = httpRequest(req)
    const asked = clientMetadata(parseJson(request.body), settings)
    if ('error' in asked) {
      await audit(req, {
        type: 'registration',
        outcome: 'refused',
        error_code: asked.error,
        reason: asked.error_description,
      })
      res.status(400).setHeader('cache-control', 'no-store').json(asked)
      return
    }
    const headers = { ...request.headers, 'content-type': 'application/json' }
    const response = await askProvider(provider, settings, {
      ...request,
      headers,
      body: Buffer.from(JSON.stringify(asked.metadata)),
    })
    const answer = parseJson(response.body) as { client_id?: string; error?: string } | undefined
    const created = response.status === 201
    await audit(req, {
      type: 'registration',
      outcome: created ? 'ok' : 'refused',
      ...(answer?.client_id === undefined ? {} : { client_id: answer.client_id }),
      ...(answer?.error === undefined ? {} : { error_code: answer.error }),
    })
    if (response.status === 503) res.setHeader('retry-after', '3600')
    send(res, response)
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

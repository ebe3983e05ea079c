import type { RequestHandler } from 'express'
import type { Flow } from '../../sign-in/flow.ts'
import {
  askProvider,
  challenged,
  httpRequest,
  type ProviderResponse,
  send,
} from '../provider-handler.ts'
import type { HttpRequest } from '../provider-request.ts'
import { redeemRefreshToken } from './redeem.ts'

/** The token endpoint: oidc-provider's, with refreshes of one connection taking turns. */
export function tokenHandler({ provider, settings, store, now }: Flow): RequestHandler {
  const ask = (request: HttpRequest) => askProvider(provider, settings, request)
  return async (req, res) => {
    const request = httpRequest(req)
    const refreshed = await redeemRefreshToken({ store, now, ask, busy }, request)
    send(res, challenged(refreshed ?? (await ask(request)), settings))
  }
}

/** Nothing was consumed: the client may present the same token again. */
function busy(): ProviderResponse {
  const error_description =
    'This connection is being refreshed by another request, which takes unusually long. Try again with the same refresh token.'
  return {
    status: 503,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'retry-after': '5',
    },
    body: Buffer.from(JSON.stringify({ error: 'temporarily_unavailable', error_description })),
  }
}

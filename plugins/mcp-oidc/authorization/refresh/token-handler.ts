import { rotateRefreshToken } from '../../../../storage/rotate-refresh-token.ts'
import type { Flow } from '../../sign-in/flow.ts'
import { askProvider, challenged, type ProviderResponse } from '../provider-handler.ts'
import { askedBy, type HttpRequest } from '../provider-request.ts'
import { redeemRefreshToken } from './redeem.ts'
import type { RefreshOutcome } from './refreshing.ts'

/** The token endpoint: oidc-provider's, with refreshes of one connection taking turns. */
export function answerToken(flow: Flow): (request: HttpRequest) => Promise<ProviderResponse> {
  const { provider, settings, store, now } = flow
  const ask = (request: HttpRequest) => askProvider(provider, settings, request)
  return async request => {
    const write = writeOutcome(flow, request)
    const refreshed = await redeemRefreshToken({ store, now, ask, write, busy }, request)
    return challenged(refreshed ?? (await ask(request)), settings)
  }
}

/**
 * The rotation, the event that tells of it and the use of the connection, all of them or none: what
 * is not on record is not handed out.
 */
function writeOutcome({ audit, store }: Flow, request: HttpRequest) {
  return ({ replaces, successor, event }: RefreshOutcome): Promise<boolean> => {
    const connection_id = event?.connection_id
    if (!event || connection_id === undefined)
      throw new TypeError('a refresh was answered without an event of its connection')
    return audit.together(askedBy(request), event, complete =>
      rotateRefreshToken(store, replaces, successor, { connection_id, event: complete }),
    )
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

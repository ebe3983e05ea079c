import { AsyncLocalStorage } from 'node:async_hooks'
import * as client from 'openid-client'
import type { IdentityProvider } from '../config/settings.ts'
import type { Fetch } from '../tracing/traced-fetch.ts'
import type { Person, Refused } from './person.ts'
import { personIn } from './person-in-tokens.ts'
import { judged, upstreamError } from './upstream-error.ts'

/** What the identity provider says when it is asked whether somebody still has access. */
export type Standing =
  | {
      readonly kind: 'welcome'
      /** The token to ask with next time: another one, or the one it was asked with. */
      readonly idp_refresh_token: string
      /**
       * Who it is by now; undefined when the provider tells nothing about people at a refresh.
       * Rejects with UpstreamError. The token is to be stored first: the one before may be spent.
       */
      readonly person: () => Promise<Person | Refused | undefined>
    }
  /** In the provider's word, such as `invalid_grant`: the person's access is over. */
  | { readonly kind: 'refused'; readonly error: string }

/**
 * Errors that say the person must come back in person (RFC 6749 5.2, OpenID Connect Core 3.1.2.6).
 * Anything else, `invalid_client` say, is an operator's matter and says nothing about the person.
 */
const access_is_over: ReadonlySet<string> = new Set([
  'invalid_grant',
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])

/** Told the refresh token in the answer to the refresh under way. */
const overhearing = new AsyncLocalStorage<(idp_refresh_token: string | undefined) => void>()

/**
 * To be called once for a configuration that {@link askStanding} is to be used with. openid-client
 * gives no tokens away before it has judged all of an answer, which takes the provider's keys; when
 * those cannot be had, the token that has just taken the place of a spent one would be lost.
 */
export function overhearRefreshes(config: client.Configuration, send: Fetch): void {
  config[client.customFetch] = async (url, options) => {
    const response = await send(url, { ...options, body: options.body ?? null })
    const tell = overhearing.getStore()
    // Of a refresh, only the request for tokens is a POST.
    if (tell && options.method === 'POST' && response.ok) {
      // What is no JSON is openid-client's to refuse, which reads the same body.
      const body: unknown = await response
        .clone()
        .json()
        .catch(() => undefined)
      if (typeof body === 'object' && body !== null) tell(refreshTokenIn(body))
    }
    return response
  }
}

/**
 * Asks with the refresh token of an earlier sign-in (OpenID Connect Core 12) whether this subject
 * still has access. Rejects with UpstreamError when there is no answer to be believed.
 */
export async function askStanding(
  config: client.Configuration,
  idp: IdentityProvider,
  { idp_refresh_token, idp_sub }: { readonly idp_refresh_token: string; readonly idp_sub: string },
): Promise<Standing> {
  const answered = Promise.withResolvers<string | undefined>()
  const granted = overhearing.run(answered.resolve, () =>
    client.refreshTokenGrant(config, idp_refresh_token),
  )
  granted.then(tokens => answered.resolve(tokens.refresh_token), answered.reject)
  let rotated: string | undefined
  try {
    rotated = await answered.promise
  } catch (error) {
    const over = errorOfRefusal(error)
    if (over !== undefined) return { kind: 'refused', error: over }
    throw upstreamError(error)
  }
  return {
    kind: 'welcome',
    idp_refresh_token: rotated ?? idp_refresh_token,
    person: async () => personIn(config, idp, { tokens: await judged(granted), idp_sub }),
  }
}

function refreshTokenIn(answer: object): string | undefined {
  const { refresh_token } = answer as { refresh_token?: unknown }
  return typeof refresh_token === 'string' && refresh_token !== '' ? refresh_token : undefined
}

function errorOfRefusal(error: unknown): string | undefined {
  if (!(error instanceof client.ResponseBodyError)) return undefined
  return error.status < 500 && access_is_over.has(error.error) ? error.error : undefined
}

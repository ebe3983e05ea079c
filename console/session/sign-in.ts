import { randomBytes } from 'node:crypto'
import type { Request as ExpressRequest, RequestHandler } from 'express'
import { auth, type ConfigParams } from 'express-openid-connect'
import { decodeJwt } from 'jose'
import type { Store } from '../../storage/store.ts'
import type { Environment } from '../environment.ts'
import { createSessionStore, type Session, type UnreadableSession } from './session-store.ts'

/** Seconds. The gateway knows nothing of the person beyond that either. */
const session_ttl = 8 * 60 * 60

export type SignInSettings = Pick<
  Environment,
  'gateway_url' | 'gateway_internal_url' | 'client_id' | 'client_secret' | 'cookie_keys'
>

export interface SignInParts {
  readonly settings: SignInSettings
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Hears why a session could not be read. */
  readonly failed: (error: unknown) => void
}

/** On https a neighbouring domain cannot plant it. */
function cookieNames(gateway_url: string) {
  return gateway_url.startsWith('https:')
    ? ({ session: '__Host-console', transaction: '__Host-console_sign_in' } as const)
    : ({ session: 'console_session', transaction: 'console_sign_in' } as const)
}

/**
 * The session of a request, and `/callback`: the console is a client of the gateway's own OpenID
 * provider, which sends people to their company's sign-in. It asks for `openid` and nothing else.
 */
export function signIn({ settings, store, now, failed }: SignInParts): RequestHandler {
  const { gateway_url, client_id, client_secret, cookie_keys } = settings
  const names = cookieNames(gateway_url)
  return auth({
    issuerBaseURL: gateway_url,
    baseURL: `${gateway_url}/console`,
    clientID: client_id,
    clientSecret: client_secret,
    clientAuthMethod: 'client_secret_basic',
    idTokenSigningAlg: 'ES256',
    authorizationParams: { response_type: 'code', scope: 'openid' },
    secret: cookie_keys.map(({ key }) => Buffer.from(key).toString('base64url')),
    authRequired: false,
    idpLogout: true,
    enableTelemetry: false,
    legacySameSiteCookie: false,
    routes: { login: false, logout: false, callback: '/callback' },
    transactionCookie: { name: names.transaction },
    session: {
      name: names.session,
      rolling: false,
      absoluteDuration: session_ttl,
      genid: () => randomBytes(32).toString('base64url'),
      signSessionStoreCookie: true,
      store: createSessionStore(store, now, failed),
      cookie: {
        path: '/',
        httpOnly: true,
        sameSite: 'Lax',
        secure: names.session.startsWith('__'),
      },
    },
    afterCallback: afterCallback as unknown as NonNullable<ConfigParams['afterCallback']>,
    customFetch: reachGateway(settings),
  })
}

/** Called with what was verified: signature, issuer, audience, nonce, state. */
const afterCallback = ((_request, _response, { id_token, access_token, token_type }) => ({
  ...{ id_token, access_token, token_type },
  user_id: decodeJwt(id_token).sub ?? '',
  csrf: randomBytes(32).toString('base64url'),
})) satisfies (...given: Parameters<NonNullable<ConfigParams['afterCallback']>>) => Session

/**
 * Before `signIn` at `/callback`: a sign-in never goes on under the id of a session that was there
 * before it, which somebody else may know.
 */
export function freshSession({ gateway_url }: Pick<SignInSettings, 'gateway_url'>): RequestHandler {
  const own = `${cookieNames(gateway_url).session}=`
  return (request, _response, next) => {
    const kept = (request.headers.cookie ?? '').split(/;\s*/).filter(pair => !pair.startsWith(own))
    request.headers.cookie = kept.join('; ')
    next()
  }
}

/** What is at the gateway's public URL is asked for where it is reached from here. */
function reachGateway({ gateway_url, gateway_internal_url }: SignInSettings): typeof fetch {
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== gateway_url)
      return Promise.reject(new TypeError(`${url.origin} is not the gateway`))
    return fetch(new URL(`${url.pathname}${url.search}`, gateway_internal_url), init)
  }
}

/** The session of a request that `signIn` has seen; undefined for nobody. */
export function sessionOf(
  request: ExpressRequest,
  { gateway_url }: Pick<SignInSettings, 'gateway_url'>,
): Session | UnreadableSession | undefined {
  const all = request as unknown as Readonly<Record<string, object | undefined>>
  const session = all[cookieNames(gateway_url).session]
  if (session === undefined || Object.keys(session).length === 0) return undefined
  return session as Session | UnreadableSession
}

/** Ends the session of this browser here; the cookie goes with the answer. */
export function endSession(
  request: ExpressRequest,
  { gateway_url }: Pick<SignInSettings, 'gateway_url'>,
): void {
  Object.assign(request, { [cookieNames(gateway_url).session]: undefined })
}

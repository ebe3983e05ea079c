import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import type { IdentityProvider } from '../config/settings.ts'
import type { Person, Refused } from './person.ts'
import { personIn } from './person-in-tokens.ts'
import { askStanding, overhearRefreshes, type Standing } from './standing.ts'
import type { Fetch } from '../tracing/traced-fetch.ts'
import { judged, UpstreamError } from './upstream-error.ts'

/** What one trip to the identity provider is bound to; kept sealed until the callback. */
export interface Trip {
  readonly state: string
  readonly nonce: string
  readonly code_verifier: string
}

export interface SignedIn {
  readonly person: Person
  readonly idp_refresh_token?: string
}

/** The keys that what the provider signs is checked with. */
export interface SigningKeys {
  readonly issuer: string
  readonly algorithms: readonly string[]
  readonly keys: JWTVerifyGetKey
}

export interface Upstream {
  /** What people call it. */
  readonly name: string
  /** Where to send the browser, and what must come back (OpenID Connect Core 3.1.2.1, RFC 7636). */
  start(login_hint?: string): Promise<{ readonly url: string; readonly trip: Trip }>
  /** Redeems the code server to server and checks the id_token. `callback` is the query it came with. */
  finish(callback: URLSearchParams, trip: Trip): Promise<SignedIn | Refused>
  /**
   * Asks with the refresh token of an earlier sign-in (OpenID Connect Core 12) whether this subject
   * still has access. Rejects with UpstreamError when there is no answer to be believed.
   */
  refresh(idp_refresh_token: string, idp_sub: string): Promise<Standing>
  /** Fetches no key before one is needed, and at most once in 30 seconds for keys that are unknown. */
  signingKeys(): Promise<SigningKeys>
}

const timeout_seconds = 10

/** One OpenID provider. Its metadata is fetched when first needed, and again after a failure. */
export function createUpstream(
  idp: IdentityProvider,
  redirect_uri: string,
  send: Fetch = fetch,
): Upstream {
  let known: Promise<client.Configuration> | undefined
  let keys: JWTVerifyGetKey | undefined
  const configuration = () => {
    known ??= discover(idp, send).catch((error: unknown) => {
      known = undefined
      throw new UpstreamError('unreachable', error)
    })
    return known
  }

  return {
    name: idp.name,

    async start(login_hint) {
      const trip = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        code_verifier: client.randomPKCECodeVerifier(),
      }
      const url = client.buildAuthorizationUrl(await configuration(), {
        redirect_uri,
        scope: idp.scopes.join(' '),
        response_type: 'code',
        state: trip.state,
        nonce: trip.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(trip.code_verifier),
        code_challenge_method: 'S256',
        ...Object.fromEntries(idp.authorization_parameters.map(({ name, value }) => [name, value])),
        ...(login_hint === undefined ? {} : { login_hint }),
      })
      return { url: url.href, trip }
    },

    async finish(callback, trip) {
      const config = await configuration()
      const url = new URL(redirect_uri)
      url.search = callback.toString()
      const tokens = await judged(
        client.authorizationCodeGrant(config, url, {
          expectedState: trip.state,
          expectedNonce: trip.nonce,
          pkceCodeVerifier: trip.code_verifier,
          idTokenExpected: true,
        }),
      )
      const id_token = tokens.claims()
      if (!id_token) throw new UpstreamError('rejected', new TypeError('no id_token'))
      const person = await personIn(config, idp, { tokens, idp_sub: id_token.sub })
      if (!person) throw new UpstreamError('rejected', new TypeError('nothing about the person'))
      if ('unwelcome' in person) return person
      return {
        person,
        ...(tokens.refresh_token === undefined ? {} : { idp_refresh_token: tokens.refresh_token }),
      }
    },

    async refresh(idp_refresh_token, idp_sub) {
      return askStanding(await configuration(), idp, { idp_refresh_token, idp_sub })
    },

    async signingKeys() {
      const config = await configuration()
      const { issuer, jwks_uri, id_token_signing_alg_values_supported } = config.serverMetadata()
      if (jwks_uri === undefined)
        throw new UpstreamError('rejected', new TypeError('its metadata has no jwks_uri'))
      keys ??= createRemoteJWKSet(new URL(jwks_uri), {
        timeoutDuration: timeout_seconds * 1000,
        [customFetch]: send,
      })
      const algorithms = (id_token_signing_alg_values_supported ?? ['RS256']).filter(asymmetric)
      return { issuer, algorithms, keys }
    },
  }
}

/** Never `none`, and nothing that is verified with a secret that two sides share. */
function asymmetric(algorithm: string): boolean {
  return /^(?:RS|PS|ES)(?:256|384|512)$|^EdDSA$|^Ed25519$/.test(algorithm)
}

async function discover(idp: IdentityProvider, send: Fetch): Promise<client.Configuration> {
  const issuer = new URL(idp.issuer)
  // Only a loopback issuer passes validation with plain http.
  const execute = [
    // The signature of the id_token is checked even though it comes over a direct connection.
    client.enableNonRepudiationChecks,
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Marked so that it stands out; loopback has no TLS.
    ...(issuer.protocol === 'http:' ? [client.allowInsecureRequests] : []),
  ]
  const config = await client.discovery(issuer, idp.client_id, idp.client_secret, undefined, {
    execute,
    timeout: timeout_seconds,
    [client.customFetch]: (url, options) => send(url, { ...options, body: options.body ?? null }),
  })
  config.timeout = timeout_seconds
  overhearRefreshes(config, send)
  return config
}

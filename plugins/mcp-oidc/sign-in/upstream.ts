import * as client from 'openid-client'
import type { IdentityProvider } from '../config/settings.ts'
import { type Claims, type Person, personOf, type Refused } from './person.ts'

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

/** The identity provider could not be asked, or its answer did not hold: not the user's fault. */
export class UpstreamError extends Error {
  readonly code: 'unreachable' | 'rejected'

  constructor(code: 'unreachable' | 'rejected', cause: unknown) {
    super(
      `identity provider ${code === 'unreachable' ? 'could not be reached' : 'gave an answer that does not hold'}`,
      { cause },
    )
    this.name = 'UpstreamError'
    this.code = code
  }
}

export interface Upstream {
  /** Where to send the browser, and what must come back (OpenID Connect Core 3.1.2.1, RFC 7636). */
  start(login_hint?: string): Promise<{ readonly url: string; readonly trip: Trip }>
  /** Redeems the code server to server and checks the id_token. `callback` is the query it came with. */
  finish(callback: URLSearchParams, trip: Trip): Promise<SignedIn | Refused>
}

const timeout_seconds = 10

/** One OpenID provider. Its metadata is fetched when first needed, and again after a failure. */
export function createUpstream(idp: IdentityProvider, redirect_uri: string): Upstream {
  let known: Promise<client.Configuration> | undefined
  const configuration = () => {
    known ??= discover(idp).catch((error: unknown) => {
      known = undefined
      throw new UpstreamError('unreachable', error)
    })
    return known
  }

  return {
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
      let person = personOf(id_token, idp)
      if ('unwelcome' in person && config.serverMetadata().userinfo_endpoint) {
        // Some providers keep the id_token thin; userinfo is bound to the same subject.
        const userinfo = await judged(
          client.fetchUserInfo(config, tokens.access_token, id_token.sub),
        )
        person = personOf(together(id_token, userinfo), idp)
      }
      if ('unwelcome' in person) return person
      return {
        person,
        ...(tokens.refresh_token === undefined ? {} : { idp_refresh_token: tokens.refresh_token }),
      }
    },
  }
}

/**
 * The claims of both, the id_token's where they differ. An email and whether it is verified are one
 * statement: they are never taken from two sources.
 */
export function together(id_token: Claims, userinfo: Readonly<Record<string, unknown>>): Claims {
  const { email, email_verified } = userinfo.email === undefined ? id_token : userinfo
  return { ...userinfo, ...id_token, email, email_verified }
}

async function discover(idp: IdentityProvider): Promise<client.Configuration> {
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
  })
  config.timeout = timeout_seconds
  return config
}

/** Tells an outage from an answer that must not be believed. */
async function judged<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const unreachable =
      error instanceof TypeError ||
      (error instanceof client.ClientError && error.code === 'OAUTH_TIMEOUT')
    throw new UpstreamError(unreachable ? 'unreachable' : 'rejected', error)
  }
}

import { decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { ASSERTION_TYPE, checkHeader, CLOCK_TOLERANCE, MAX_LIFETIME, readClaims } from './claims.ts'
import type { Identity } from './identity.ts'
import { IdentityError } from './identity-error.ts'
import { rememberVerified } from './recently-verified.ts'

/** Assertions that are remembered, each for a minute at most: a gateway sends one with several requests. */
const most_remembered = 10_000

export interface VerifyIdentityOptions {
  /** The gateway's public URL, as in `iss`. */
  readonly issuer: string
  /** This server's own name, as in `aud`. */
  readonly audience: string
  /** The gateway's public keys: `remoteKeys(url)`, or jose's `createLocalJWKSet` in tests. */
  readonly keys: JWTVerifyGetKey
  /** Milliseconds since the epoch; the machine's clock when left out. */
  readonly clock?: () => number
}

export type VerifyIdentity = (authorization: string | undefined) => Promise<Identity>

/**
 * Makes the check of an `Authorization` header. It gives the identity, or rejects with an
 * IdentityError; there is no third way.
 *
 * Verified are the signature (ES256 by a published key), the type, issuer, audience, the times and
 * the presence of every claim. Not verified is that the connection still exists: the gateway did
 * that when it made the assertion, at most a minute ago. A signature is verified once: the same
 * assertion again is asked for its times alone.
 */
export function verifyIdentity(options: VerifyIdentityOptions): VerifyIdentity {
  const keys = tellingOutagesApart(options.keys)
  // eslint-disable-next-line no-restricted-properties -- in another server nobody may have a clock to hand
  const clock = options.clock ?? Date.now
  const recent = rememberVerified(most_remembered)
  return async authorization => {
    const token = bearerToken(authorization)
    const now = clock()
    const seconds = Math.floor(now / 1000)
    const known = recent.identityOf(token, seconds)
    if (known) return known
    try {
      checkHeader(decodeHeader(token))
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['ES256'],
        typ: ASSERTION_TYPE,
        issuer: options.issuer,
        audience: options.audience,
        maxTokenAge: MAX_LIFETIME,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(now),
      })
      const verified = readClaims(payload)
      recent.remember(token, verified, seconds)
      return verified.identity
    } catch (error) {
      throw asIdentityError(error)
    }
  }
}

/** RFC 6750 2.1; the scheme's case does not matter, anything around a compact JWS does. */
function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw new IdentityError('missing', 'no Authorization header')
  const token = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1]
  if (token === undefined) throw new IdentityError('malformed', 'not a bearer JWT')
  return token
}

function decodeHeader(token: string): unknown {
  try {
    return decodeProtectedHeader(token)
  } catch (error) {
    throw new IdentityError('malformed', 'the protected header is not JSON', { cause: error })
  }
}

/** A key that is not there condemns the assertion; a key set that is not there condemns nobody. */
function tellingOutagesApart(keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) throw error
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw error
      throw new IdentityError('keys_unavailable', 'the key set could not be read', { cause: error })
    }
  }
}

function asIdentityError(error: unknown): unknown {
  if (error instanceof IdentityError || !(error instanceof errors.JOSEError)) return error
  const code =
    error instanceof errors.JWTExpired
      ? 'expired'
      : error instanceof errors.JWTClaimValidationFailed
        ? 'bad_claims'
        : error instanceof errors.JWSSignatureVerificationFailed
          ? 'bad_signature'
          : error.code.startsWith('ERR_JWKS_')
            ? 'unknown_key'
            : 'malformed'
  return new IdentityError(code, error.message, { cause: error })
}

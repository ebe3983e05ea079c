import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import { z } from 'zod'
import { publicKeys } from '../config/signing-keys.ts'
import type { Settings } from '../config/settings.ts'

/** The claims of an access token we issued (RFC 9068), its signature and times checked. */
export interface AccessToken {
  readonly sub: string
  readonly sid: string
  readonly org_id: string
  readonly client_id: string
  readonly scope: string
  readonly jti: string
  /** Seconds since the epoch. */
  readonly exp: number
  readonly iat: number
}

const claims_schema = z.object({
  sub: z.string().startsWith('usr_'),
  sid: z.string().min(1),
  org_id: z.string().min(1),
  client_id: z.string().min(1),
  scope: z.string().default(''),
  jti: z.string().min(1),
  exp: z.int(),
  iat: z.int(),
})

/** The compact form of what we sign: three parts, an ES256 signature (RFC 7518 3.4) of 64 bytes last. */
const compact_es256 = /^[\w-]+\.[\w-]+\.[\w-]{86}$/

export type TokenVerdict = { readonly token: AccessToken } | { readonly refused: string }

/**
 * RFC 9068 4: signature by one of our keys (ES256 only, never a key the token names), `typ`
 * at+jwt, issuer, the one canonical audience, expiry and not-before. Says nothing yet about the
 * connection behind the token. Rejects only on a bug; a bad token is `refused` with its reason.
 */
export function createTokenVerifier(
  settings: Pick<Settings, 'issuer' | 'resource' | 'signing_keys'>,
  now: () => number,
) {
  const keys = createLocalJWKSet(publicKeys(settings.signing_keys))
  return async (jwt: string): Promise<TokenVerdict> => {
    // As jose would say, without what it costs to throw it.
    if (!compact_es256.test(jwt)) return { refused: errors.JWSInvalid.code }
    try {
      const { payload } = await jwtVerify(jwt, keys, {
        algorithms: ['ES256'],
        typ: 'at+jwt',
        issuer: settings.issuer,
        currentDate: new Date(now()),
        requiredClaims: ['iss', 'aud', 'sub', 'exp', 'iat'],
      })
      // A list of audiences would make the token good elsewhere too.
      if (payload.aud !== settings.resource) return { refused: 'audience' }
      const claims = claims_schema.safeParse(payload)
      return claims.success ? { token: claims.data } : { refused: 'claims' }
    } catch (error) {
      if (error instanceof errors.JOSEError) return { refused: error.code }
      throw error
    }
  }
}

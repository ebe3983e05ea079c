import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { IdentityProvider } from '../config/settings.ts'
import type { SigningKeys } from '../sign-in/upstream.ts'

/** What a valid logout token says: at least one of `sub` and `sid` is there. */
export interface LogoutToken {
  readonly iss: string
  readonly jti: string
  readonly sub?: string | undefined
  readonly sid?: string | undefined
  /** Seconds since the epoch: until then its `jti` is remembered. */
  readonly exp: number
}

export type LogoutVerdict = { readonly token: LogoutToken } | { readonly refused: string }

const event = 'http://schemas.openid.net/event/backchannel-logout'
/** How long after its issue a logout token is taken, whatever its `exp` says; seconds. */
const most_age = 300
/** How far the clocks may be apart, seconds. */
const skew = 60

const claims_schema = z
  .object({
    iss: z.string(),
    aud: z.union([z.string(), z.array(z.string()).length(1)]),
    jti: z.string().min(1).max(1000),
    iat: z.int(),
    exp: z.int(),
    sub: z.string().min(1).optional(),
    sid: z.string().min(1).optional(),
    events: z.looseObject({ [event]: z.looseObject({}) }),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined)

/**
 * OpenID Connect Back-Channel Logout 1.0, 2.6: signature by the identity provider, issuer, audience,
 * times, the event, no nonce, and no other kind of token in its place. Whether it was seen before is
 * for the caller to find out. Rejects when the provider's keys cannot be had.
 */
export async function verifyLogoutToken(
  jwt: string,
  { client_id }: Pick<IdentityProvider, 'client_id'>,
  { issuer, algorithms, keys }: SigningKeys,
  now: () => number,
): Promise<LogoutVerdict> {
  try {
    const { payload, protectedHeader } = await jwtVerify(jwt, keys, {
      issuer,
      audience: client_id,
      algorithms: [...algorithms],
      currentDate: new Date(now()),
      clockTolerance: skew,
      maxTokenAge: most_age,
      requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
    })
    const { typ } = protectedHeader
    if (typ !== undefined && !/^(?:application\/)?(?:logout\+jwt|jwt)$/i.test(typ))
      return { refused: 'typ' }
    // 2.4: so that no id_token is ever taken for a logout token.
    if ('nonce' in payload) return { refused: 'claim nonce' }
    const claims = claims_schema.safeParse(payload)
    if (claims.success) return { token: claims.data }
    const [issue] = claims.error.issues
    return { refused: `claim ${issue?.path.join('.') || 'sub or sid'}` }
  } catch (error) {
    if (error instanceof errors.JOSEError && !unreachable.has(error.code))
      return {
        refused:
          error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
            ? `claim ${error.claim}`
            : error.code,
      }
    throw error
  }
}

/** The provider's fault, or the network's: not the token's. */
const unreachable: ReadonlySet<string> = new Set([
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JOSEError.code,
])

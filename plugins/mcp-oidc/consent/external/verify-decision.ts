import { errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Asked } from './consent-request.ts'
import type { ConsentService } from './consent-service.ts'

/** The `typ` that tells a decision from everything else the service may sign. */
export const decision_typ = 'consent-decision+jwt'
/** How far ahead its `exp` may be, seconds: so long its `jti` is remembered. */
export const most_ahead = 600

/** What was decided. Whether the request was ours to this person, and the `jti` new, is not known yet. */
export interface Decision {
  readonly decision: 'approve' | 'deny'
  readonly org: string
  readonly jti: string
  readonly request_jti: string
  /** Seconds since the epoch. */
  readonly exp: number
}

/** `refused` names the header or claim that does not hold. */
export type DecisionVerdict = Decision | { readonly refused: string }

const asymmetric = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'],
]

const id = z.string().min(1).max(500)
const claims_schema = z.object({
  aud: z.union([z.string(), z.tuple([z.string()])]),
  exp: z.number(),
  jti: id,
  request_jti: id,
  transaction: z.string(),
  sub: z.string(),
  org: z.string(),
  client_id: z.string(),
  redirect_uri: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
  decision: z.enum(['approve', 'deny']),
})

/**
 * Checks that the service signed this for us, now, and about what was asked: the same person, client,
 * redirect URI, resource and scopes, and one of the orgs. `now` is in milliseconds.
 * Rejects with ConsentServiceUnreachable when its keys cannot be had.
 */
export async function verifyDecision(
  jwt: unknown,
  { audience, key }: Pick<ConsentService, 'audience' | 'key'>,
  { asked, issuer, now }: { readonly asked: Asked; readonly issuer: string; readonly now: number },
): Promise<DecisionVerdict> {
  if (typeof jwt !== 'string' || jwt === '') return { refused: 'missing' }
  let payload: unknown
  try {
    const verified = await jwtVerify(jwt, key, {
      issuer: audience,
      audience: issuer,
      typ: decision_typ,
      algorithms: asymmetric,
      currentDate: new Date(now),
      requiredClaims: ['exp'],
    })
    payload = verified.payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return { refused: memberOf(error) }
    throw error
  }
  const claims = claims_schema.safeParse(payload)
  if (!claims.success) return { refused: String(claims.error.issues[0]?.path[0] ?? 'malformed') }
  const { org, scopes, exp, decision, jti, request_jti } = claims.data
  if (exp > now / 1000 + most_ahead) return { refused: 'exp' }
  const repeated = ['transaction', 'sub', 'client_id', 'redirect_uri', 'resource'] as const
  const other = repeated.find(name => claims.data[name] !== asked[name])
  if (other !== undefined) return { refused: other }
  if (!asked.orgs.includes(org)) return { refused: 'org' }
  if (!isSameSet(scopes, asked.scopes)) return { refused: 'scopes' }
  return { decision, org, jti, request_jti, exp }
}

/** Both are without repetition, or are not the same. */
function isSameSet(given: readonly string[], asked: readonly string[]): boolean {
  return given.length === asked.length && asked.every(scope => given.includes(scope))
}

function memberOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed)
    return error.claim
  return members[error.code] ?? 'malformed'
}

const members: Readonly<Record<string, string>> = {
  [errors.JOSEAlgNotAllowed.code]: 'alg',
  [errors.JWKSNoMatchingKey.code]: 'key',
  [errors.JWKSMultipleMatchingKeys.code]: 'key',
  [errors.JWSSignatureVerificationFailed.code]: 'signature',
}

import { z } from 'zod'
import { IdentityError } from './identity-error.ts'
import type { Verified } from './recently-verified.ts'

export const ASSERTION_TYPE = 'gateway-identity+jwt'
/** Seconds an assertion may live; it is made for one request. */
export const MAX_LIFETIME = 60
/** Seconds two machines' clocks may differ. */
export const CLOCK_TOLERANCE = 5

const text = z.string().min(1).max(2048)

/** Nothing but these three: a header that brings its own key (`jwk`, `jku`, `x5c`) is refused. */
const Header = z.strictObject({ alg: z.string(), typ: z.string(), kid: text })

const Claims = z.object({
  iss: text,
  // One audience, not a list: an assertion is made for one server.
  aud: text,
  sub: text,
  org_id: text,
  email: text,
  roles: z.array(text),
  scope: z.string(),
  client_id: text,
  sid: text,
  iat: z.int(),
  exp: z.int(),
  nbf: z.int().optional(),
  jti: text,
})

/** Judges a protected header before any key is looked for. Throws IdentityError. */
export function checkHeader(header: unknown): void {
  const { data, error } = Header.safeParse(header)
  if (data === undefined) throw new IdentityError('unexpected_header', z.prettifyError(error))
  // Byte for byte. Media types compare without case and with an optional "application/", but the
  // gateway writes one spelling, and one spelling leaves nothing to argue about.
  if (data.typ !== ASSERTION_TYPE) {
    throw new IdentityError('wrong_type', `typ is ${JSON.stringify(data.typ)}`)
  }
  if (data.alg !== 'ES256') {
    throw new IdentityError('wrong_algorithm', `alg is ${JSON.stringify(data.alg)}`)
  }
}

/** Reads the claims of an assertion whose signature and times are verified. Throws IdentityError. */
export function readClaims(payload: unknown): Verified {
  const { data, error } = Claims.safeParse(payload)
  if (data === undefined) throw new IdentityError('bad_claims', z.prettifyError(error))
  if (data.exp <= data.iat || data.exp - data.iat > MAX_LIFETIME) {
    throw new IdentityError('bad_claims', `a lifetime of ${data.exp - data.iat} seconds`)
  }
  // Requests of one assertion share it.
  const identity = Object.freeze({
    user_id: data.sub,
    org_id: data.org_id,
    email: data.email,
    roles: Object.freeze(data.roles),
    scope: data.scope,
    client_id: data.client_id,
    connection_id: data.sid,
  })
  return {
    identity,
    from: Math.max(data.iat, data.nbf ?? data.iat) - CLOCK_TOLERANCE,
    until: data.exp + CLOCK_TOLERANCE - 1,
  }
}

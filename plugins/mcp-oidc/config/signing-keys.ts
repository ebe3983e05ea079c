import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { JWK, JSONWebKeySet } from 'jose'
import { z } from 'zod'

/** One key of the signing ring: the private half signs, the public half is published at /jwks. */
export interface SigningKey {
  readonly kid: string
  readonly private_jwk: JWK
  readonly public_jwk: JWK
  readonly key: KeyObject
}

export type SigningRing = readonly [SigningKey, ...SigningKey[]]

const ring_schema = z.object({
  keys: z.array(
    z.object({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      kid: z.string().min(1),
      x: z.string(),
      y: z.string(),
      d: z.string(),
    }),
  ),
})

/** Reads a private JWKS of P-256 keys. Throws TypeError that names the fault and never the key. */
export function parseSigningKeys(text: string): SigningRing {
  const parsed = ring_schema.safeParse(parseJson(text))
  if (!parsed.success)
    throw new TypeError(
      'must be a JWKS of private EC keys on P-256, each with kty, crv, kid, x, y and d',
    )
  const [first, ...others] = parsed.data.keys.map(signingKey)
  if (!first) throw new TypeError('holds no key: add one')
  const ring: SigningRing = [first, ...others]
  if (new Set(ring.map(key => key.kid)).size < ring.length)
    throw new TypeError('has two keys with one kid')
  return ring
}

/** What /jwks publishes (RFC 7517). */
export function publicKeys(ring: SigningRing): JSONWebKeySet {
  return { keys: ring.map(key => key.public_jwk) }
}

function signingKey(jwk: z.infer<typeof ring_schema>['keys'][number]): SigningKey {
  const { kty, crv, kid, x, y } = jwk
  const usage = { use: 'sig', alg: 'ES256' }
  let key: KeyObject
  try {
    key = createPrivateKey({ key: jwk, format: 'jwk' })
  } catch {
    throw new TypeError(`key "${kid}" is not a valid P-256 private key`)
  }
  return {
    kid,
    key,
    private_jwk: { ...jwk, ...usage },
    public_jwk: { kty, crv, kid, x, y, ...usage },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('is not JSON')
  }
}

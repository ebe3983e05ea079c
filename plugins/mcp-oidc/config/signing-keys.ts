import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto'
import type { JWK, JSONWebKeySet } from 'jose'
import { z } from 'zod'
import { keyWeakness } from '../../../storage/key-strength.ts'

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
      kid: z.string().min(1).max(64),
      x: z.string(),
      y: z.string(),
      d: z.string(),
    }),
  ),
})

type SigningJwk = z.infer<typeof ring_schema>['keys'][number]

/** Reads a private JWKS of P-256 keys. Throws TypeError that names the fault and never the key. */
export function parseSigningKeys(text: string): SigningRing {
  const parsed = ring_schema.safeParse(parseJson(text))
  if (!parsed.success)
    throw new TypeError(
      'must be a JWKS of private EC keys on P-256, each with kty, crv, kid (at most 64 characters), x, y and d',
    )
  const [first, ...others] = parsed.data.keys.map(signingKey)
  if (!first) throw new TypeError('holds no key: add one')
  const ring: SigningRing = [first, ...others]
  if (new Set(ring.map(key => key.kid)).size < ring.length)
    throw new TypeError('has two keys with one kid')
  for (const [index, { kid, public_jwk }] of ring.entries()) {
    const twin = ring.slice(0, index).find(other => other.public_jwk.x === public_jwk.x)
    if (twin) throw new TypeError(`key "${kid}" is the same as key "${twin.kid}"`)
  }
  return ring
}

/** What /jwks publishes (RFC 7517). */
export function publicKeys(ring: SigningRing): JSONWebKeySet {
  return { keys: ring.map(key => key.public_jwk) }
}

function signingKey(jwk: SigningJwk): SigningKey {
  const { kty, crv, kid, x, y } = jwk
  const usage = { use: 'sig', alg: 'ES256' }
  const d = Buffer.from(jwk.d, 'base64url')
  let key: KeyObject
  try {
    key = createPrivateKey({ key: jwk, format: 'jwk' })
    if (!isPair(jwk, d)) throw new TypeError('the halves do not belong together')
  } catch {
    throw new TypeError(
      `key "${kid}" is not a valid P-256 private key with its own public half, all in base64url`,
    )
  }
  const weakness = keyWeakness(d)
  if (weakness !== undefined)
    throw new TypeError(`key "${kid}": d is ${weakness}, not a random key`)
  return {
    kid,
    key,
    private_jwk: { ...jwk, ...usage },
    public_jwk: { kty, crv, kid, x, y, ...usage },
  }
}

/** Node takes any point for the public half; with a foreign one no signature would ever verify. */
function isPair({ x, y, ...jwk }: SigningJwk, d: Buffer): boolean {
  if (d.length !== 32 || d.toString('base64url') !== jwk.d) return false
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(d)
  // RFC 7518 6.2: 32 bytes each, after the byte that says that the point is not compressed.
  const point = ecdh.getPublicKey()
  return (
    x === point.subarray(1, 33).toString('base64url') &&
    y === point.subarray(33).toString('base64url')
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('is not JSON')
  }
}

import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A private key as a JWKS holds it (RFC 7517). */
export type PrivateJwk = Readonly<Record<string, unknown>> & { readonly kid: string }

/** A fresh pair on P-256 that signs with ES256. */
export function newSigningKey(kid: string): PrivateJwk {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid }
}

/** 256 fresh random bits. */
export function newSecretKey(kid: string): PrivateJwk {
  return { kty: 'oct', k: randomBytes(32).toString('base64url'), kid }
}

/** `storage-2026-11-25-9f3c`: what it is for, how old it is, and unlike every other. */
export function newKeyId(ring: string, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10)
  return `${ring}-${day}-${randomBytes(4).toString('hex')}`
}

import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { keyWeakness } from './key-strength.ts'

export interface SecretKey {
  readonly kid: string
  readonly key: Uint8Array
}

/** The first key seals, every key opens: append, roll out, promote, re-seal, remove. */
export type KeyRing = readonly [SecretKey, ...SecretKey[]]

const KEY_BYTES = 32
const MAX_KID_BYTES = 64

/**
 * Reads a JWKS of 256-bit `oct` keys (RFC 7517, RFC 7518 6.4).
 *
 * Throws a TypeError that names every problem by the key's position. Key material never gets into
 * the message, which is why the JSON parser's own message, a quotation of its input, is left out.
 */
export function parseKeyRing(jwks: string): KeyRing {
  const problems: string[] = []
  const keys: SecretKey[] = []
  for (const [index, jwk] of jwksMembers(jwks).entries()) {
    const key = parseKey(jwk)
    if (typeof key === 'string') problems.push(`keys[${index}]: ${key}`)
    else if (keys.some(({ kid }) => kid === key.kid))
      problems.push(`keys[${index}]: kid is already taken by an earlier key`)
    else if (keys.some(other => Buffer.from(other.key).equals(key.key)))
      problems.push(`keys[${index}]: k is the same as an earlier key's`)
    else keys.push(key)
  }
  const [first, ...others] = keys
  if (problems.length > 0 || first === undefined)
    throw new TypeError(problems.length > 0 ? problems.join('; ') : 'the JWKS holds no keys')
  return [first, ...others]
}

/** Derived once for each key and purpose: a sign-in seals and opens dozens of values. */
const derived = new WeakMap<SecretKey, Map<string, KeyObject>>()

/** One key per purpose (RFC 5869), so that sealing and hashing never share a key. */
export function subkey(key: SecretKey, purpose: string): KeyObject {
  const of_key = derived.get(key) ?? new Map<string, KeyObject>()
  derived.set(key, of_key)
  const known = of_key.get(purpose)
  if (known) return known
  const info = `mcp-oidc-gateway/${purpose}/v1`
  const bytes = hkdfSync('sha256', key.key, '', info, KEY_BYTES)
  const made = createSecretKey(new Uint8Array(bytes))
  of_key.set(purpose, made)
  return made
}

function jwksMembers(jwks: string): unknown[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(jwks)
  } catch {
    throw new TypeError('the JWKS is not JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || !('keys' in parsed))
    throw new TypeError('the JWKS has no member "keys"')
  if (!Array.isArray(parsed.keys)) throw new TypeError('the JWKS\'s "keys" is not a list')
  return parsed.keys
}

/** The key, or what is wrong with it. */
function parseKey(jwk: unknown): SecretKey | string {
  if (typeof jwk !== 'object' || jwk === null) return 'not an object'
  const { kty, kid, k } = jwk as Record<string, unknown>
  if (kty !== 'oct') return 'kty is not "oct"'
  if (typeof kid !== 'string' || kid === '') return 'kid is missing'
  if (Buffer.byteLength(kid) > MAX_KID_BYTES) return `kid is longer than ${MAX_KID_BYTES} bytes`
  if (typeof k !== 'string') return 'k is missing'
  const key = Buffer.from(k, 'base64url')
  if (key.toString('base64url') !== k) return 'k is not base64url'
  if (key.length !== KEY_BYTES) return `k is not ${KEY_BYTES} bytes`
  const weakness = keyWeakness(key)
  if (weakness !== undefined) return `k is ${weakness}, not a random key`
  return { kid, key }
}

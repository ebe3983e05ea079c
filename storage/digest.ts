import { createHash, createHmac } from 'node:crypto'
import { type SecretKey, subkey } from './key-ring.ts'

/**
 * SHA-256 of an id that is a bearer secret (a code, a refresh token). Such ids are long and random,
 * so a plain hash cannot be guessed back; it finds the row without storing the secret.
 */
export function idHash(id: string): Buffer {
  return createHash('sha256').update(id).digest()
}

/** HMAC-SHA-256 of a text that could be guessed (an email), under a subkey of its own. */
export function keyedHash(key: SecretKey, text: string): Buffer {
  return createHmac('sha256', subkey(key, 'keyed-hash')).update(text).digest()
}

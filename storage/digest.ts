import { createHmac, hash } from 'node:crypto'
import { type SecretKey, subkey } from './key-ring.ts'

/**
 * SHA-256 of an id that is a bearer secret (a code, a refresh token). Such ids are long and random,
 * so a plain hash cannot be guessed back; it finds the row without storing the secret.
 */
export function idHash(id: string): Buffer {
  return hash('sha256', id, 'buffer')
}

/**
 * HMAC-SHA-256 of what could be guessed, under a subkey of its own: it finds a row without the text
 * standing there.
 */
export const lookupHash = {
  /** In lower case: nobody types an email the way the identity provider spells it. */
  email: (key: SecretKey, email: string) => keyedHash(key, ['email', email.toLowerCase()]),
  idpSession: (key: SecretKey, idp_id: string, idp_sid: string) =>
    keyedHash(key, ['idp_session', idp_id, idp_sid]),
}

function keyedHash(key: SecretKey, parts: readonly string[]): Buffer {
  return createHmac('sha256', subkey(key, 'keyed-hash')).update(JSON.stringify(parts)).digest()
}

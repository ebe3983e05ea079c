import { createHmac } from 'node:crypto'
import { type SecretKey, subkey } from './key-ring.ts'

export type RingSetting = 'signing_keys' | 'storage_keys' | 'cookie_keys'

/** What others may know of a key: enough to tell it from another one. */
export interface KeyMark {
  readonly kid: string
  readonly fingerprint: string
}

/** The marks of each ring, the key that seals or signs first. */
export type RingMarks = Readonly<Record<RingSetting, readonly [KeyMark, ...KeyMark[]]>>

/** A digest under a key derived from it (RFC 5869), so that nothing else is learned from it. */
export function secretKeyMark(key: SecretKey): KeyMark {
  const fingerprint = createHmac('sha256', subkey(key, 'fingerprint'))
    .update('')
    .digest('base64url')
  return { kid: key.kid, fingerprint }
}

import { calculateJwkThumbprint } from 'jose'
import { type KeyMark, type RingMarks, secretKeyMark } from '../../../storage/key-mark.ts'
import type { Settings } from './settings.ts'

type Rings = Pick<Settings, 'signing_keys' | 'storage_keys' | 'cookie_keys'>

/** What the rings can be told apart by, with nothing of the keys in it. */
export async function ringMarks({
  signing_keys,
  storage_keys,
  cookie_keys,
}: Rings): Promise<RingMarks> {
  const marks = await Promise.all(
    signing_keys.map(async ({ kid, public_jwk }): Promise<KeyMark> => ({
      kid,
      // RFC 7638: of the public half, which everybody reads at /jwks.
      fingerprint: await calculateJwkThumbprint(public_jwk),
    })),
  )
  return {
    signing_keys: atLeastOne(marks),
    storage_keys: atLeastOne(storage_keys.map(secretKeyMark)),
    cookie_keys: atLeastOne(cookie_keys.map(secretKeyMark)),
  }
}

function atLeastOne(marks: readonly KeyMark[]): readonly [KeyMark, ...KeyMark[]] {
  const [first, ...others] = marks
  if (!first) throw new TypeError('a ring without a key')
  return [first, ...others]
}

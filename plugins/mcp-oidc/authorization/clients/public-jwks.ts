import { createPublicKey } from 'node:crypto'
import { z } from 'zod'

const private_members = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const key_schema = z.looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']) })
const jwks_schema = z.object({ keys: z.array(key_schema).min(1).max(20) })

export type PublicJwks = z.infer<typeof jwks_schema>

/** A client's public keys (RFC 7517 5). Throws TypeError that says what is wrong and repeats no key. */
export function publicJwks(value: unknown): PublicJwks {
  const parsed = jwks_schema.safeParse(value)
  if (!parsed.success)
    throw new TypeError('must be a JWKS of 1 to 20 public keys, each of kty EC, RSA or OKP')
  for (const [index, key] of parsed.data.keys.entries()) {
    if (private_members.some(member => member in key))
      throw new TypeError(`key [${index}] holds a private part; give the public one alone`)
    try {
      createPublicKey({ key, format: 'jwk' })
    } catch {
      throw new TypeError(`key [${index}] is not a key`)
    }
  }
  return parsed.data
}

/** As {@link publicJwks}, from a text. */
export function parsePublicJwks(text: string): PublicJwks {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError('is not JSON')
  }
  return publicJwks(value)
}

import type { KeyRing } from '../../../storage/key-ring.ts'
import type { SigningRing } from './signing-keys.ts'

/** The rings that could be read. */
export interface Rings {
  readonly signing_keys?: SigningRing | undefined
  readonly storage_keys?: KeyRing | undefined
  readonly cookie_keys?: KeyRing | undefined
}

interface NamedKey {
  readonly setting: keyof Rings
  readonly kid: string
  /** What must not be a key elsewhere, in hex. */
  readonly material: readonly string[]
}

/**
 * Each ring has keys of its own, or whoever gets hold of one has them all, and rotating one would
 * not help. The public half of a signing key counts too: everybody can read it at /jwks.
 *
 * Gives `setting: problem and remedy` lines that name keys by their kid.
 */
export function sharedKeyProblems(rings: Rings): readonly string[] {
  const problems: string[] = []
  const seen = new Map<string, NamedKey>()
  for (const key of namedKeys(rings)) {
    const other = key.material.map(bytes => seen.get(bytes)).find(found => found !== undefined)
    if (other && other.setting !== key.setting)
      problems.push(
        `${key.setting}: "${key.kid}" is the key "${other.kid}" of ${other.setting}; make a separate one`,
      )
    for (const bytes of key.material) seen.set(bytes, key)
  }
  return problems
}

function* namedKeys({ signing_keys, storage_keys, cookie_keys }: Rings): Iterable<NamedKey> {
  for (const { kid, private_jwk } of signing_keys ?? []) {
    const { d, x, y } = private_jwk
    yield { setting: 'signing_keys', kid, material: [d, x, y].map(fromBase64url) }
  }
  for (const [setting, ring] of [
    ['storage_keys', storage_keys],
    ['cookie_keys', cookie_keys],
  ] as const)
    for (const { kid, key } of ring ?? [])
      yield { setting, kid, material: [Buffer.from(key).toString('hex')] }
}

function fromBase64url(text = ''): string {
  return Buffer.from(text, 'base64url').toString('hex')
}

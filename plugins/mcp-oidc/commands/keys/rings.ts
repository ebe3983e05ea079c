import { parseKeyRing } from '../../../../storage/key-ring.ts'
import { UsageError } from '../../../../storage/commands/command-store.ts'
import { type Rings, sharedKeyProblems } from '../../config/ring-rules.ts'
import { parseSigningKeys } from '../../config/signing-keys.ts'
import { newSecretKey, newSigningKey, type PrivateJwk } from './new-key.ts'

export const ring_names = ['signing', 'storage', 'cookie'] as const
export type RingName = (typeof ring_names)[number]

export interface RingKind {
  /** Of the plugin. */
  readonly setting: keyof Rings
  /** Of Kong's environment, where config/kong.yml finds it. */
  readonly variable: string
  readonly newKey: (kid: string) => PrivateJwk
  /** As the start of the plugin reads it. Throws TypeError. */
  readonly parse: (text: string) => readonly { readonly kid: string }[]
}

export const ring_kinds: Readonly<Record<RingName, RingKind>> = {
  signing: {
    setting: 'signing_keys',
    variable: 'SIGNING_KEYS',
    newKey: newSigningKey,
    parse: parseSigningKeys,
  },
  storage: {
    setting: 'storage_keys',
    variable: 'STORAGE_KEYS',
    newKey: newSecretKey,
    parse: parseKeyRing,
  },
  cookie: {
    setting: 'cookie_keys',
    variable: 'COOKIE_KEYS',
    newKey: newSecretKey,
    parse: parseKeyRing,
  },
}

/** A ring as it stands in its variable or file, members and all. */
export interface Ring {
  readonly name: RingName
  readonly keys: readonly PrivateJwk[]
}

/** Throws UsageError, which names keys by their kid only. */
export function readRing(name: RingName, text: string, from: string): Ring {
  const { parse, setting } = ring_kinds[name]
  try {
    parse(text)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(`${from} is not a ring of ${setting}: ${error.message}`)
  }
  return { name, keys: (JSON.parse(text) as { keys: PrivateJwk[] }).keys }
}

export function ringText({ keys }: Ring): string {
  return JSON.stringify({ keys })
}

/** What the plugin would say at its start of these rings together. */
export function problemsOf(rings: readonly Ring[]): readonly string[] {
  const problems: string[] = []
  const parsed: Record<string, unknown> = {}
  for (const ring of rings) {
    const { parse, setting } = ring_kinds[ring.name]
    try {
      parsed[setting] = parse(ringText(ring))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(`${setting}: ${error.message}`)
    }
  }
  return [...problems, ...sharedKeyProblems(parsed)]
}

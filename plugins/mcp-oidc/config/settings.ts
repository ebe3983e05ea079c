import { createHash } from 'node:crypto'
import { parseKeyRing, type KeyRing } from '../../../storage/key-ring.ts'
import { fields, type Config } from '../schema.ts'
import { type ExternalConsent, externalConsent } from './consent-rules.ts'
import { atOwnOrigin } from './client-rules.ts'
import { type PresetSettings, withPreset } from './idp-presets.ts'
import { ConfigurationError } from './problem.ts'
import { parseSigningKeys, type SigningRing } from './signing-keys.ts'
import { sharedKeyProblems } from './ring-rules.ts'
import { crossFieldProblems, developmentKeyProblems } from './rules.ts'
import { validate } from './validate.ts'

/** One company sign-in, with what its preset says filled in. */
export type IdentityProvider = Omit<Config['identity_providers'][number], keyof PresetSettings> &
  PresetSettings

/** The configuration, checked, with what follows from it. `serve` is apart: it differs per route. */
export interface Settings extends Omit<
  Config,
  'serve' | 'signing_keys' | 'storage_keys' | 'cookie_keys' | 'identity_providers' | 'consent'
> {
  readonly identity_providers: readonly IdentityProvider[]
  /** The service that asks the person in place of our consent page. */
  readonly external_consent: ExternalConsent | undefined
  /** Canonical resource (RFC 8707): the audience of every access token. */
  readonly resource: string
  readonly signing_keys: SigningRing
  readonly storage_keys: KeyRing
  readonly cookie_keys: KeyRing
  /** Whether the public URL is https: decides cookie prefixes and the `Secure` attribute. */
  readonly secure: boolean
}

export interface ParsedConfig {
  readonly serve: Config['serve']
  readonly settings: Settings
  /** Equal for equal settings, whatever `serve` is: what Kong's many instances share is kept by it. */
  readonly digest: string
}

/** Parses what Kong hands over. Throws ConfigurationError with every problem at once. */
export function parseConfig(raw: unknown): ParsedConfig {
  const result = validate(fields, raw)
  if ('problems' in result) throw new ConfigurationError(result.problems)
  const { serve, ...config } = result.config
  const problems = [...crossFieldProblems(config)]
  const signing_keys = attempt('signing_keys', problems, () =>
    parseSigningKeys(config.signing_keys),
  )
  const storage_keys = attempt('storage_keys', problems, () => parseKeyRing(config.storage_keys))
  const cookie_keys = attempt('cookie_keys', problems, () => parseKeyRing(config.cookie_keys))
  problems.push(...sharedKeyProblems({ signing_keys, storage_keys, cookie_keys }))
  for (const [setting, ring] of Object.entries({ signing_keys, storage_keys, cookie_keys }))
    problems.push(...developmentKeyProblems(setting, ring ?? [], config.issuer))
  if (problems.length > 0 || !signing_keys || !storage_keys || !cookie_keys)
    throw new ConfigurationError(problems)
  const { consent, ...others } = config
  const settings: Settings = {
    ...others,
    external_consent: externalConsent(consent),
    identity_providers: config.identity_providers.map(withPreset),
    clients: config.clients.map(client => atOwnOrigin(client, config.issuer)),
    resource: config.issuer + config.resource_path,
    signing_keys,
    storage_keys,
    cookie_keys,
    secure: config.issuer.startsWith('https:'),
  }
  const digest = createHash('sha256').update(JSON.stringify(config)).digest('base64url')
  return { serve, settings, digest }
}

function attempt<T>(setting: string, problems: string[], parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    problems.push(`${setting}: ${error.message}`)
    return undefined
  }
}

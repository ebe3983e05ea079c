/** The settings of an identity provider that a preset decides unless they are written out. */
export interface PresetSettings {
  readonly scopes: readonly string[]
  readonly org_claim: string
  /** Undefined where the provider knows no roles. */
  readonly roles_claim: string | undefined
  readonly trust_email: boolean
  readonly userinfo: boolean
  readonly authorization_parameters: readonly AuthorizationParameter[]
}

export interface AuthorizationParameter {
  readonly name: string
  readonly value: string
}

export interface Preset extends PresetSettings {
  /** What to look at when a sign-in came without a refresh token, for an operator. */
  readonly refresh_token_remedy: string
}

export const preset_names = [
  'generic',
  'okta',
  'entra',
  'google',
  'keycloak',
  'clerk',
  'auth0',
] as const

export type PresetName = (typeof preset_names)[number]

const generic: Preset = {
  scopes: ['openid', 'email', 'profile', 'offline_access'],
  org_claim: 'org_id',
  roles_claim: 'roles',
  trust_email: false,
  userinfo: true,
  authorization_parameters: [],
  refresh_token_remedy: 'let its application for this gateway use refresh tokens',
}

/** What differs between identity providers, as data. docs/identity-providers.md has the other side of each. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  generic,
  okta: {
    ...generic,
    // Its own authorization server, not a custom one: there `groups` is a scope.
    scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
    roles_claim: 'groups',
    refresh_token_remedy: 'allow the grant type "Refresh Token" in its application',
  },
  entra: {
    ...generic,
    org_claim: 'tid',
    // It never says `email_verified`; its id_token names one tenant and holds all there is to know.
    trust_email: true,
    userinfo: false,
    refresh_token_remedy: 'grant its application the permission offline_access',
  },
  google: {
    ...generic,
    // It has no scope `offline_access`, and gives a refresh token for these parameters only.
    scopes: ['openid', 'email', 'profile'],
    org_claim: 'hd',
    roles_claim: undefined,
    authorization_parameters: [
      { name: 'access_type', value: 'offline' },
      { name: 'prompt', value: 'consent' },
    ],
    refresh_token_remedy: 'keep access_type=offline and prompt=consent',
  },
  keycloak: {
    ...generic,
    org_claim: 'organization',
    roles_claim: 'realm_access.roles',
    refresh_token_remedy: 'give the people the realm role offline_access',
  },
  clerk: {
    ...generic,
    roles_claim: 'org_role',
    refresh_token_remedy: 'allow the scope offline_access in its OAuth application',
  },
  auth0: {
    ...generic,
    refresh_token_remedy:
      'allow the grant type "Refresh Token" in its application and offline access in its API',
  },
}

/**
 * A provider's record with what its preset says filled in. What is written out wins; of the
 * authorization parameters each by its name.
 */
export function withPreset<
  P extends { readonly [K in keyof PresetSettings]: PresetSettings[K] | undefined },
>(
  provider: P & { readonly preset: PresetName },
): Omit<P, keyof PresetSettings> & PresetSettings & { readonly preset: PresetName } {
  const preset = presets[provider.preset]
  const own = provider.authorization_parameters ?? []
  return {
    ...provider,
    scopes: provider.scopes ?? preset.scopes,
    org_claim: provider.org_claim ?? preset.org_claim,
    roles_claim: provider.roles_claim ?? preset.roles_claim,
    trust_email: provider.trust_email ?? preset.trust_email,
    userinfo: provider.userinfo ?? preset.userinfo,
    authorization_parameters: [
      ...preset.authorization_parameters.filter(({ name }) => !own.some(one => one.name === name)),
      ...own,
    ],
  }
}

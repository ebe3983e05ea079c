import { describe, expect, it } from '@jest/globals'
import { preset_names, withPreset } from '../../../../../plugins/mcp-oidc/config/idp-presets.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { kongFields } from '../../../../../plugins/mcp-oidc/kong-schema.ts'
import { fields } from '../../../../../plugins/mcp-oidc/schema.ts'
import { rawConfig } from '../../../../support/config.ts'

const record = {
  id: 'dev',
  name: 'Company sign-in',
  issuer: 'https://idp.example',
  client_id: 'gateway',
  client_secret: 'secret',
  orgs: ['acme'],
}

function parsed(changes: object) {
  const identity_providers = [{ ...record, ...changes }]
  const [idp] = parseConfig(rawConfig({ identity_providers })).settings.identity_providers
  if (!idp) throw new Error('no identity provider')
  return idp
}

describe('the preset of an identity provider', () => {
  it('is the generic one unless it is named', () => {
    expect(parsed({})).toEqual(parsed({ preset: 'generic' }))
    expect(parsed({})).toMatchObject({
      scopes: ['openid', 'email', 'profile', 'offline_access'],
      org_claim: 'org_id',
      roles_claim: 'roles',
      trust_email: false,
      authorization_parameters: [],
    })
  })

  it.each([
    ['entra', { org_claim: 'tid', roles_claim: 'roles', trust_email: true, userinfo: false }],
    ['google', { org_claim: 'hd', roles_claim: undefined, scopes: ['openid', 'email', 'profile'] }],
    ['keycloak', { org_claim: 'organization', roles_claim: 'realm_access.roles' }],
    ['okta', { roles_claim: 'groups', trust_email: false }],
    ['clerk', { org_claim: 'org_id', roles_claim: 'org_role' }],
    ['auth0', { org_claim: 'org_id', trust_email: false }],
  ])('%s sets what differs', (preset, settings) => {
    expect(parsed({ preset })).toMatchObject(settings)
  })

  it.each(preset_names)('%s gives way to what is written out, also to false', preset => {
    const own = {
      scopes: ['openid'],
      org_claim: 'company',
      roles_claim: 'teams',
      trust_email: false,
      userinfo: false,
    }
    expect(parsed({ preset, ...own })).toMatchObject(own)
    // As Kong hands over what is not set.
    expect(parsed({ preset, scopes: null, trust_email: null })).toEqual(parsed({ preset }))
  })

  it('keeps the authorization parameters that are not written out', () => {
    const value = 'select_account consent'
    const own = [
      { name: 'prompt', value },
      { name: 'hd', value: 'acme.example' },
    ]
    expect(parsed({ preset: 'google', authorization_parameters: own })).toMatchObject({
      authorization_parameters: [{ name: 'access_type', value: 'offline' }, ...own],
    })
  })

  it('decides only settings that Kong fills nothing into', () => {
    const [idps] = kongFields({ identity_providers: fields.identity_providers }) as [
      { identity_providers: { elements: { fields: readonly Record<string, object>[] } } },
    ]
    const kong = Object.assign({}, ...idps.identity_providers.elements.fields) as typeof own
    const own = fields.identity_providers.elements.fields
    const empty = {
      ...{ scopes: undefined, org_claim: undefined, roles_claim: undefined },
      ...{ trust_email: undefined, userinfo: undefined, authorization_parameters: undefined },
    }
    const decided = Object.keys(withPreset({ preset: 'generic', ...empty }))
    for (const name of decided.filter(name => name !== 'preset') as (keyof typeof empty)[]) {
      expect(kong[name]).not.toHaveProperty('default')
      // Not a word of Kong's schema language.
      expect(kong[name]).not.toHaveProperty('default_by')
      expect(own[name]).toHaveProperty('default_by', 'preset')
    }
  })
})

import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../../plugins/mcp-oidc/config/problem.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig, secretRing, signingRing } from '../../../../support/config.ts'

function problemsOf(changes: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    parseConfig(rawConfig(changes))
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const idp = (changes: object) => ({
  identity_providers: [{ ...(rawConfig().identity_providers as object[])[0], ...changes }],
})

describe('the configuration', () => {
  it('is read as Kong hands it over: members of its own, nulls, defaults', () => {
    const { serve, settings } = parseConfig(rawConfig())
    expect(serve).toBe('resource')
    expect(settings.resource).toBe('https://gw.example/mcp')
    expect(settings.access_token_ttl).toBe(600)
    expect(settings.resource_name).toBe('MCP server')
    expect(settings.identity_providers[0]?.scopes).toContain('offline_access')
    expect(settings.secure).toBe(true)
  })

  it('O05 reports every problem at once, naming the setting', () => {
    const problems = problemsOf({
      serve: 'everything',
      issuer: undefined,
      access_token_ttl: 5,
      scopes: [{ name: 1 }],
    })
    expect(problems.map(problem => problem.split(':')[0])).toEqual([
      'serve',
      'issuer',
      'access_token_ttl',
      'scopes.[0].name',
      'scopes.[0].description',
    ])
  })

  it.each([
    ['a trailing slash', { issuer: 'https://gw.example/' }, 'issuer: '],
    ['a path', { issuer: 'https://gw.example/auth' }, 'issuer: '],
    ['plain http', { issuer: 'http://gw.example' }, 'issuer: '],
    ['an upper-case host', { issuer: 'https://GW.example' }, 'issuer: '],
    ['a resource path with a trailing slash', { resource_path: '/mcp/' }, 'resource_path: '],
    [
      'an audience equal to the resource',
      { upstream_audience: 'https://gw.example/mcp' },
      'upstream_audience: ',
    ],
    [
      'an audience equal to the IdP client id',
      { upstream_audience: 'gateway' },
      'identity_providers.[0].client_id: ',
    ],
    [
      'an IdP over plain http',
      idp({ issuer: 'http://localhost:8400' }),
      'identity_providers.[0].issuer: ',
    ],
    ['an org that looks like a user', idp({ orgs: ['usr_1'] }), 'identity_providers.[0].orgs: '],
    ['no org', idp({ orgs: [] }), 'identity_providers.[0].orgs: '],
    ['a database URL of another kind', { database_url: 'S3CRET' }, 'database_url: '],
    [
      'a database port out of range',
      { database_url: 'postgresql://a@b:99999/c' },
      'database_url: ',
    ],
    ['no identity provider', { identity_providers: [] }, 'identity_providers: '],
    [
      'an OpenID scope for the resource',
      { scopes: [{ name: 'openid', description: 'x', default: true }] },
      'scopes.[0].name: ',
    ],
    ['no default scope', { scopes: [{ name: 'mcp:x', description: 'x' }] }, 'scopes: '],
    ['keys that are not JSON', { signing_keys: 'secret-stuff' }, 'signing_keys: '],
    [
      'public signing keys',
      { signing_keys: '{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"a","y":"b"}]}' },
      'signing_keys: ',
    ],
    [
      'short storage keys',
      { storage_keys: '{"keys":[{"kty":"oct","kid":"a","k":"c2hvcnQ"}]}' },
      'storage_keys: ',
    ],
  ])('O05 refuses %s', (_name, changes, setting) => {
    const problems = problemsOf(changes)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(setting)
  })

  const tenant = '833ced3d-cb2e-41de-92f1-29e2af035ddc'
  it.each([
    ['every Entra tenant', { issuer: 'https://login.microsoftonline.com/common/v2.0' }, 'issuer'],
    ['work accounts', { issuer: 'https://login.microsoftonline.com/organizations/v2.0' }, 'issuer'],
    ['a template', { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }, 'issuer'],
    [
      'a tenant by name',
      { issuer: 'https://login.microsoftonline.us/acme.example/v2.0' },
      'issuer',
    ],
    ['no version', { issuer: `https://login.microsoftonline.com/${tenant}` }, 'issuer'],
    ['no openid', { scopes: ['email'] }, 'scopes'],
    ['an unknown preset', { preset: 'azure' }, 'preset'],
    [
      'a resource',
      { authorization_parameters: [{ name: 'resource', value: 'x' }] },
      'authorization_parameters',
    ],
    [
      'a state of its own',
      { authorization_parameters: [{ name: 'state', value: 'x' }] },
      'authorization_parameters',
    ],
    [
      'a parameter twice',
      {
        authorization_parameters: [
          { name: 'prompt', value: 'login' },
          { name: 'prompt', value: 'consent' },
        ],
      },
      'authorization_parameters',
    ],
    ['a mapped org it may not assert', { org_map: [{ value: 't', org: 'initech' }] }, 'org_map'],
    [
      'two orgs for one value',
      {
        org_map: [
          { value: 't', org: 'acme' },
          { value: 't', org: 'globex' },
        ],
      },
      'org_map',
    ],
    ['a foreign org without the claim', { org_without_claim: 'initech' }, 'org_without_claim'],
    ['a domain in upper case', { email_domains: ['ACME.example'] }, 'email_domains'],
    ['an address for a domain', { email_domains: ['a@acme.example'] }, 'email_domains'],
    ['a wildcard', { email_domains: ['*.acme.example'] }, 'email_domains'],
  ])('O05 refuses an identity provider with %s', (_name, changes, setting) => {
    const problems = problemsOf(idp(changes))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^identity_providers\\.\\[0\\]\\.${setting}: `))
  })

  it('takes a hundred thousand orgs, each with a value of its own, before anybody has to wait', () => {
    const orgs = Array.from({ length: 100_000 }, (_, index) => `org-${index}`)
    const org_map = orgs.map(org => ({ value: `t-${org}`, org }))
    expect(problemsOf(idp({ orgs, org_map }))).toEqual([])
    const foreign = { value: 't-org-1', org: 'initech' }
    expect(problemsOf(idp({ orgs, org_map: [...org_map, foreign] }))).toEqual([
      'identity_providers.[0].org_map: "initech" is not one of orgs; add it there',
      'identity_providers.[0].org_map: "t-org-1" appears twice',
    ])
  })

  it.each([
    `https://login.microsoftonline.com/${tenant}/v2.0`,
    `https://login.partner.microsoftonline.cn/${tenant}/v2.0`,
    `https://sts.windows.net/${tenant}/`,
  ])('accepts one Entra tenant: %s', issuer => {
    expect(problemsOf(idp({ issuer, preset: 'entra' }))).toEqual([])
  })

  it('O05 refuses a domain of two identity providers: an address leads to one place', () => {
    const [record] = rawConfig().identity_providers as [object]
    const of = (id: string, ...email_domains: string[]) => ({ ...record, id, email_domains })
    const problems = (...identity_providers: object[]) => problemsOf({ identity_providers })
    expect(problems(of('a', 'acme.example'), of('b', 'globex.example'))).toEqual([])
    expect(problems(of('a', 'acme.example'), of('b', 'acme.example'))).toEqual([
      'identity_providers.email_domains: "acme.example" appears twice',
    ])
  })

  it('K02 refuses a key shared between the storage and the cookie ring', () => {
    const ring = secretRing()
    expect(problemsOf({ storage_keys: ring, cookie_keys: ring })).toEqual([
      expect.stringContaining('cookie_keys: '),
    ])
  })

  it('O05 refuses development keys unless the public URL is on loopback', () => {
    const rings = {
      signing_keys: signingRing('development-1'),
      storage_keys: secretRing('development-2'),
      cookie_keys: secretRing('development-3'),
    }
    const settings = ['signing_keys', 'storage_keys', 'cookie_keys']
    expect(problemsOf(rings).map(problem => problem.split(':')[0])).toEqual(settings)
    expect(problemsOf({ ...rings, issuer: 'http://localhost:8000' })).toEqual([])
  })

  it('R08 never repeats a key in a message', () => {
    const secret = 'c2VjcmV0LXNlY3JldA'
    const problems = problemsOf({
      storage_keys: `{"keys":[{"kty":"oct","kid":"a","k":"${secret}"}]}`,
      signing_keys: secret,
      cookie_keys: `{"keys":"${secret}"}`,
    })
    expect(problems).toHaveLength(3)
    expect(problems.join()).not.toContain(secret)
  })

  it('has one digest for both places it is attached to, and another for other settings', () => {
    const config = rawConfig({ signing_keys: signingRing() })
    const digest = (changes: object) => parseConfig({ ...config, ...changes }).digest
    expect(digest({ serve: 'authorization', route_id: 'other' })).toBe(digest({}))
    expect(digest({ access_token_ttl: 300 })).not.toBe(digest({}))
  })
})

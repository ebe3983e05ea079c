import { describe, expect, it } from '@jest/globals'
import {
  type IdentityProvider,
  parseConfig,
} from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { personOf, together, userId } from '../../../../../plugins/mcp-oidc/sign-in/person.ts'
import { rawConfig } from '../../../../support/config.ts'

const [idp] = parseConfig(rawConfig()).settings.identity_providers as [IdentityProvider]
const claims = {
  iss: 'https://idp.example',
  sub: '1',
  email: 'alice@acme.example',
  email_verified: true,
  orgs: ['acme'],
  roles: ['admin'],
}

describe('A06 who signed in', () => {
  it('is a digest of issuer and subject, never one of them alone', () => {
    expect(userId(claims)).toMatch(/^usr_[A-Za-z0-9_-]{27}$/)
    expect(userId(claims)).not.toBe(userId({ ...claims, iss: 'https://other.example' }))
    expect(userId({ iss: 'a', sub: 'bc' })).not.toBe(userId({ iss: 'ab', sub: 'c' }))
    expect(personOf({ ...claims, email: 'bob@acme.example' }, idp)).toMatchObject({
      user_id: userId(claims),
    })
  })

  it.each([
    ['a list', { orgs: ['globex', 'acme', 'initech'] }, ['acme', 'globex']],
    ['a text', { orgs: 'acme' }, ['acme']],
  ])('belongs to the orgs this provider may assert, from %s', (_name, change, orgs) => {
    expect(personOf({ ...claims, ...change }, idp)).toMatchObject({ orgs })
  })

  it.each([
    { orgs: undefined },
    { orgs: [] },
    { orgs: ['initech'] },
    { orgs: { acme: true } },
    { orgs: [['acme']] },
    { orgs: 'ACME' },
  ])('without an org of ours is turned away: %j', change => {
    expect(personOf({ ...claims, ...change }, idp)).toMatchObject({ unwelcome: 'no_org' })
  })

  it('takes no org from an email address', () => {
    expect(personOf({ ...claims, orgs: undefined, hd: 'acme' }, idp)).toMatchObject({
      unwelcome: 'no_org',
    })
  })

  it('reads roles at a dotted path, and a claim whose own name has dots', () => {
    const keycloak = { ...idp, roles_claim: 'realm_access.roles' }
    expect(
      personOf({ ...claims, realm_access: { roles: ['r1', 2, 'r\nx'] } }, keycloak),
    ).toMatchObject({ roles: ['r1'] })
    const url = { ...idp, roles_claim: 'https://acme.example/roles' }
    expect(personOf({ ...claims, 'https://acme.example/roles': 'r2' }, url)).toMatchObject({
      roles: ['r2'],
    })
    expect(personOf(claims, { ...idp, roles_claim: 'constructor.name' })).toMatchObject({
      roles: [],
    })
  })
})

describe('A06 an org under another name', () => {
  const google = {
    ...idp,
    org_claim: 'hd',
    org_map: [
      { value: 'acme.example', org: 'acme' },
      { value: 'acme.co.example', org: 'acme' },
      { value: 'globex.example', org: 'globex' },
    ],
  }

  it.each([
    ['acme.example', ['acme']],
    ['acme.co.example', ['acme']],
    [
      ['globex.example', 'acme.example'],
      ['acme', 'globex'],
    ],
  ])('is the one that the map says: %j', (hd, orgs) => {
    expect(personOf({ ...claims, hd }, google)).toMatchObject({ orgs })
  })

  it.each(['acme', 'ACME.EXAMPLE', 'evil.example', '', 'constructor'])(
    'is none where the map says nothing: %j',
    hd => {
      expect(personOf({ ...claims, hd }, google)).toMatchObject({ unwelcome: 'no_org' })
    },
  )

  it('and what the map says counts only where the provider may assert it', () => {
    const less = { ...google, orgs: ['globex'] }
    expect(personOf({ ...claims, hd: 'acme.example' }, less)).toMatchObject({ unwelcome: 'no_org' })
  })

  it('is the one for people without the claim, where there is one, and for nobody else', () => {
    const lenient = { ...google, org_without_claim: 'globex' }
    expect(personOf(claims, google)).toMatchObject({ unwelcome: 'no_org' })
    expect(personOf(claims, lenient)).toMatchObject({ orgs: ['globex'] })
    for (const hd of ['evil.example', '', [], null, 0])
      expect(personOf({ ...claims, hd }, lenient)).toMatchObject({ unwelcome: 'no_org' })
    expect(personOf({ ...claims, _claim_names: { hd: 'src1' } }, lenient)).toMatchObject({
      unwelcome: 'claims_left_out',
    })
  })
})

describe('A06 groups that are not in the token', () => {
  const by_groups = { ...idp, roles_claim: 'groups' }

  it.each([
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } },
    { hasgroups: true },
    { hasgroups: 'true' },
    { groups: ['g1'], _claim_names: { groups: 'src1' } },
  ])('are never read as no groups: %j', change => {
    expect(personOf({ ...claims, ...change }, by_groups)).toMatchObject({
      unwelcome: 'claims_left_out',
      who: { email: claims.email },
    })
    expect(personOf({ ...claims, ...change }, idp)).toMatchObject({ roles: ['admin'] })
  })

  it('are noticed below a dotted path and under a name with dots', () => {
    const left_out = (path: string, name: string) =>
      personOf({ ...claims, _claim_names: { [name]: 's' } }, { ...idp, roles_claim: path })
    expect(left_out('realm_access.roles', 'realm_access')).toHaveProperty('unwelcome')
    expect(left_out('https://acme.example/r', 'https://acme.example/r')).toHaveProperty('unwelcome')
    expect(left_out('roles', 'groups')).not.toHaveProperty('unwelcome')
  })

  it('do not matter to a provider without roles', () => {
    const google = { ...idp, roles_claim: undefined }
    expect(personOf({ ...claims, hasgroups: true }, google)).toMatchObject({ roles: [] })
  })
})

describe('A05 an email', () => {
  it.each([
    [{ email_verified: false }, 'email_not_verified'],
    [{ email_verified: undefined }, 'email_not_verified'],
    [{ email_verified: 'true' }, 'email_not_verified'],
    [{ email: undefined }, 'no_email'],
    [{ email: 'a\r\nx-org-id: globex@acme.example' }, 'no_email'],
    [{ email: 'no-at' }, 'no_email'],
  ])('with %j does not count', (change, unwelcome) => {
    expect(personOf({ ...claims, ...change }, idp)).toMatchObject({ unwelcome })
  })

  it('counts without the claim only from a provider configured so, and never when it says no', () => {
    const trusted = { ...idp, trust_email: true }
    expect(personOf({ ...claims, email_verified: undefined }, trusted)).toMatchObject({
      email: claims.email,
    })
    expect(personOf({ ...claims, email_verified: false }, trusted)).toMatchObject({
      unwelcome: 'email_not_verified',
    })
  })

  it('and whether it is verified come from one source', () => {
    const thin = { iss: claims.iss, sub: claims.sub, email: 'ceo@acme.example' }
    const userinfo = { sub: claims.sub, email: 'mallory@acme.example', email_verified: true }
    expect(together(thin, userinfo)).toMatchObject({
      email: 'mallory@acme.example',
      email_verified: true,
    })
    expect(together(thin, { sub: claims.sub, email_verified: true })).toMatchObject({
      email: 'ceo@acme.example',
      email_verified: undefined,
    })
    expect(together(thin, { sub: 'other', orgs: ['acme'] })).toMatchObject({
      sub: claims.sub,
      orgs: ['acme'],
    })
  })
})

describe('A06 roles', () => {
  const groups = (count: number) =>
    Array.from({ length: count }, (_, n) => `group-${String(n).padStart(30, '0')}`)

  it('of 300 groups are taken, and more than a header holds are refused, not cut', () => {
    expect(personOf({ ...claims, roles: groups(300) }, idp)).toMatchObject({ roles: groups(300) })
    expect(personOf({ ...claims, roles: groups(1000) }, idp)).toMatchObject({
      unwelcome: 'too_many_roles',
    })
  })
})

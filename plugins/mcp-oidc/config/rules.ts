import type { Config } from '../schema.ts'
import { clientProblems } from './client-rules.ts'
import { consentProblems } from './consent-rules.ts'
import { documentHostProblems } from './document-host-rules.ts'
import { identityProviderProblems } from './identity-provider-rules.ts'
import { toolRuleProblems } from './tool-rule-problems.ts'
import { twice } from './twice.ts'
import { collectorUrlProblem, databaseUrlProblem, isLoopback, issuerProblem } from './url-rules.ts'

/** What no single field can tell: rules between settings. Gives `setting: problem and remedy` lines. */
export function crossFieldProblems(config: Omit<Config, 'serve'>): readonly string[] {
  return [
    ...prefixed('issuer', issuerProblem(config.issuer)),
    ...prefixed('database_url', databaseUrlProblem(config.database_url)),
    ...prefixed('otlp_endpoint', collectorUrlProblem(config.otlp_endpoint)),
    ...resourceProblems(config),
    ...scopeProblems(config),
    ...providerProblems(config),
    ...resourceServerProblems(config),
    ...toolRuleProblems(config),
    ...orgPolicyProblems(config),
    ...clientProblems(config),
    ...documentHostProblems(config),
    ...consentProblems(config),
  ]
}

/** Keys that `npm start` made lie in a folder of somebody's laptop. */
export function developmentKeyProblems(
  setting: string,
  ring: readonly { readonly kid: string }[],
  issuer: string,
): readonly string[] {
  const url = URL.parse(issuer)
  if (!url || isLoopback(url)) return []
  return ring
    .filter(({ kid }) => kid.startsWith('development-'))
    .map(({ kid }) => `${setting}: "${kid}" is a development key; make new ones for ${issuer}`)
}

function prefixed(setting: string, problem: string | undefined): readonly string[] {
  return problem ? [`${setting}: ${problem}`] : []
}

function resourceProblems({
  issuer,
  resource_path,
  upstream_audience,
}: Omit<Config, 'serve'>): readonly string[] {
  const problems: string[] = []
  if (!/^\/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$/.test(resource_path))
    problems.push(
      'resource_path: must be a path such as /mcp, without trailing slash, query or escapes',
    )
  // Access tokens, id_tokens and assertions share one key set: their audiences must differ.
  if (upstream_audience === issuer + resource_path || upstream_audience === issuer)
    problems.push(
      'upstream_audience: must differ from the resource and the issuer; choose a name such as mcp-server',
    )
  return problems
}

function scopeProblems({ scopes }: Omit<Config, 'serve'>): readonly string[] {
  const problems = scopes.flatMap(({ name }, index) => {
    if (name === 'openid' || name === 'offline_access')
      return [`scopes.[${index}].name: "${name}" belongs to OpenID, not to the resource`]
    return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(name)
      ? []
      : [`scopes.[${index}].name: "${name}" is not a scope name (RFC 6749 3.3)`]
  })
  if (!scopes.some(scope => scope.default))
    problems.push('scopes: mark at least one with default: true')
  return [
    ...problems,
    ...twice(
      'scopes',
      scopes.map(({ name }) => name),
    ),
  ]
}

function providerProblems({
  identity_providers,
  issuer,
  upstream_audience,
}: Omit<Config, 'serve'>): readonly string[] {
  if (identity_providers.length === 0) return ['identity_providers: name at least one']
  const problems = identity_providers.flatMap((provider, index) =>
    identityProviderProblems(provider, { issuer, upstream_audience }).map(
      problem => `identity_providers.[${index}].${problem}`,
    ),
  )
  return [
    ...problems,
    ...twice(
      'identity_providers',
      identity_providers.map(({ id }) => id),
    ),
    // An address leads to one place.
    ...twice(
      'identity_providers.email_domains',
      identity_providers.flatMap(({ email_domains = [] }) => [...new Set(email_domains)]),
    ),
  ]
}

function resourceServerProblems({
  resource_servers,
  upstream_audience,
  issuer,
  resource_path,
}: Omit<Config, 'serve'>): readonly string[] {
  const problems = resource_servers.flatMap(({ id, secret }, index) => {
    const at = `resource_servers.[${index}]`
    const found: string[] = []
    if (!/^[\x21-\x7E]{1,128}$/.test(id) || id.includes(':'))
      found.push(`${at}.id: "${id}" must be printable, without spaces and colons`)
    if ([upstream_audience, issuer, issuer + resource_path].includes(id))
      found.push(`${at}.id: equals the upstream audience, the issuer or the resource`)
    if (secret.length < 32) found.push(`${at}.secret: must be at least 32 characters`)
    return found
  })
  const ids = resource_servers.map(({ id }) => id)
  return [...problems, ...twice('resource_servers', ids)]
}

/** A policy for an org that nobody can assert is a slip of the pen, and would protect nothing. */
function orgPolicyProblems({
  org_policies,
  identity_providers,
}: Omit<Config, 'serve'>): readonly string[] {
  const asserted = new Set(identity_providers.flatMap(({ orgs }) => orgs))
  const unknown = org_policies.flatMap(({ org }, index) =>
    asserted.has(org)
      ? []
      : [`org_policies.[${index}].org: "${org}" is in the orgs of no identity provider`],
  )
  const orgs = org_policies.map(({ org }) => org)
  return [...unknown, ...twice('org_policies', orgs)]
}

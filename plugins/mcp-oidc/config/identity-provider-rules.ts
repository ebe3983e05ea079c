import type { Config } from '../schema.ts'
import { twice } from './twice.ts'
import { endpointProblem, isLoopback } from './url-rules.ts'

type Record = Config['identity_providers'][number]
type Surroundings = Pick<Config, 'issuer' | 'upstream_audience'>

/** What is wrong with one record of `identity_providers`, as `member: problem and remedy`. */
export function identityProviderProblems(
  provider: Record,
  surroundings: Surroundings,
): readonly string[] {
  return [
    ...addressProblems(provider, surroundings),
    ...requestProblems(provider),
    ...orgProblems(provider),
    ...domainProblems(provider),
  ]
}

function addressProblems(
  { id, issuer, client_id }: Record,
  { issuer: gateway_issuer, upstream_audience }: Surroundings,
): readonly string[] {
  const problems: string[] = []
  const problem = endpointProblem(issuer) ?? entraProblem(issuer)
  if (problem !== undefined) problems.push(`issuer: ${problem}`)
  const [gateway, url] = [URL.parse(gateway_issuer), URL.parse(issuer)]
  if (gateway && url && url.protocol === 'http:' && !isLoopback(gateway))
    problems.push(
      "issuer: plain http is for a gateway on loopback; use the provider's https issuer",
    )
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id))
    problems.push(`id: "${id}" must be lower-case letters, digits and hyphens`)
  if (client_id === upstream_audience)
    problems.push('client_id: equals upstream_audience; choose another audience')
  return problems
}

const tenant = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Microsoft's issuers name one tenant by its id. The ones for every tenant (`common`,
 * `organizations`, `consumers`, `{tenantid}`) would let any company's people in.
 */
function entraProblem(issuer: string): string | undefined {
  const { hostname, pathname } = new URL(issuer)
  const old = hostname === 'sts.windows.net'
  if (
    !old &&
    !/^login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn)$/.test(hostname)
  )
    return undefined
  const [, id = '', ...rest] = pathname.split('/')
  if (tenant.test(id) && rest.join('/') === (old ? '' : 'v2.0') && rest.length === 1)
    return undefined
  return `"${issuer}" must name one tenant: https://login.microsoftonline.com/<tenant id>/v2.0, the id in lower case; one record for each tenant`
}

/** What the request to the provider holds by itself, or must not hold (`resource`: Entra refuses it). */
const reserved: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'login_hint',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'resource',
  'response_mode',
  'response_type',
  'scope',
  'state',
])

function requestProblems({ scopes, authorization_parameters }: Record): readonly string[] {
  const problems: string[] = []
  if (scopes && !scopes.includes('openid'))
    problems.push('scopes: add openid, without it the provider says nothing about the person')
  for (const { name } of authorization_parameters ?? [])
    if (reserved.has(name))
      problems.push(`authorization_parameters: "${name}" is not for configuration; take it out`)
  return [
    ...problems,
    ...twice(
      'authorization_parameters',
      authorization_parameters?.map(({ name }) => name),
    ),
  ]
}

function orgProblems({ orgs, org_map, org_without_claim }: Record): readonly string[] {
  const problems: string[] = []
  const known: ReadonlySet<string> = new Set(orgs)
  if (orgs.length === 0) problems.push('orgs: list the orgs this provider may assert')
  for (const org of orgs)
    if (org.startsWith('usr_') || !/^[\x21-\x7E]{1,128}$/.test(org))
      problems.push(`orgs: "${org}" must be printable without spaces and not start with usr_`)
  for (const { org } of org_map ?? [])
    if (!known.has(org)) problems.push(`org_map: "${org}" is not one of orgs; add it there`)
  if (org_without_claim !== undefined && !known.has(org_without_claim))
    problems.push(`org_without_claim: "${org_without_claim}" is not one of orgs; add it there`)
  return [
    ...problems,
    ...twice(
      'org_map',
      org_map?.map(({ value }) => value),
    ),
  ]
}

const domain = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/

function domainProblems({ email_domains = [] }: Record): readonly string[] {
  return email_domains
    .filter(name => !domain.test(name))
    .map(name => `email_domains: "${name}" must be a domain in lower case, such as acme.example`)
}

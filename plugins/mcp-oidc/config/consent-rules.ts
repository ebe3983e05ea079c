import type { Config } from '../schema.ts'
import { endpointProblem, isLoopback } from './url-rules.ts'

type Surroundings = Pick<Config, 'consent' | 'issuer' | 'resource_path' | 'upstream_audience'>

/** A service of the operator's own that asks the person and signs what they decide. */
export interface ExternalConsent {
  /** Where the browser is sent. */
  readonly url: string
  readonly jwks_uri: string
  /** What the service is called in the JWTs. */
  readonly audience: string
}

/** What is wrong with the setting `consent`, as `setting: problem and remedy` lines. */
export function consentProblems(config: Surroundings): readonly string[] {
  const { mode = 'internal', url, jwks_uri, audience } = config.consent ?? {}
  if (mode === 'internal')
    // Somebody meant a service to decide, and it would never be asked.
    return [url, jwks_uri, audience].every(given => given === undefined)
      ? []
      : ['consent.mode: must be external where there is a url, jwks_uri or audience']
  return [
    ...addressProblems('url', url, config),
    ...addressProblems('jwks_uri', jwks_uri, config),
    ...audienceProblems(audience, config),
  ]
}

/** The service, where one decides. Throws TypeError when the setting has a problem. */
export function externalConsent(consent: Config['consent']): ExternalConsent | undefined {
  if (consent === undefined || consent.mode === 'internal') return undefined
  const { url, jwks_uri, audience } = consent
  if (url === undefined || jwks_uri === undefined || audience === undefined)
    throw new TypeError('consent: is external, without url, jwks_uri or audience')
  return { url, jwks_uri, audience }
}

function addressProblems(
  name: 'url' | 'jwks_uri',
  text: string | undefined,
  { issuer }: Surroundings,
): readonly string[] {
  const at = `consent.${name}`
  if (text === undefined) return [`${at}: is required with mode external`]
  const problem = endpointProblem(text)
  if (problem !== undefined) return [`${at}: ${problem}`]
  const found: string[] = []
  const given = new URL(text)
  const { username, password, hash, searchParams } = given
  if (username !== '' || password !== '' || hash !== '')
    found.push(`${at}: must have no user, password or fragment`)
  if (name === 'url' && searchParams.has('request'))
    found.push(`${at}: must not have the parameter request, which is added`)
  const gateway = URL.parse(issuer)
  // On somebody else's computer, loopback is that computer.
  if (name === 'url' && gateway && !isLoopback(gateway) && given.protocol === 'http:')
    found.push(`${at}: plain http is for a gateway on loopback; use https`)
  // Whatever this gateway signs would be a decision.
  if (name === 'jwks_uri' && given.origin === gateway?.origin && given.pathname === '/jwks')
    found.push(`${at}: is the address of this gateway's own keys`)
  return found
}

/** Requests share a key set with access tokens and assertions: their audiences must differ. */
function audienceProblems(
  audience: string | undefined,
  { issuer, resource_path, upstream_audience }: Surroundings,
): readonly string[] {
  if (audience === undefined) return ['consent.audience: is required with mode external']
  return [issuer, issuer + resource_path, upstream_audience].includes(audience)
    ? ['consent.audience: equals the issuer, the resource or upstream_audience; choose another']
    : []
}

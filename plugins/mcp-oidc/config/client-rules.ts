import { most_redirect_uris } from '../authorization/client-metadata.ts'
import { parsePublicJwks } from '../authorization/clients/public-jwks.ts'
import { redirectUriProblem } from '../authorization/redirect-uri.ts'
import type { Config } from '../schema.ts'

type Clients = Pick<
  Config,
  | 'clients'
  | 'resource_servers'
  | 'issuer'
  | 'resource_path'
  | 'upstream_audience'
  | 'private_use_schemes'
>
type Client = Clients['clients'][number]

/** What is wrong with the pre-registered clients, as `setting: problem and remedy` lines. */
export function clientProblems(config: Clients): readonly string[] {
  const { resource_servers } = config
  const clients = config.clients.map(client => atOwnOrigin(client, config.issuer))
  const ids = [...resource_servers.map(({ id }) => id), ...clients.map(client => client.client_id)]
  return clients.flatMap((client, index) => {
    const at = `clients.[${index}]`
    const found = [
      ...idProblems(client, config),
      ...redirectProblems(client, config),
      ...credentialProblems(client),
    ]
    if (ids.filter(id => id === client.client_id).length > 1)
      found.push(
        `client_id: "${client.client_id}" belongs to another client or resource server too`,
      )
    return found.map(problem => `${at}.${problem}`)
  })
}

/** A page of the gateway names its own addresses by their paths. */
export function atOwnOrigin(client: Client, issuer: string): Client {
  const absolute = (uri: string) =>
    client.first_party && uri.startsWith('/') ? `${issuer}${uri}` : uri
  return {
    ...client,
    redirect_uris: client.redirect_uris.map(absolute),
    post_logout_redirect_uris: client.post_logout_redirect_uris.map(absolute),
  }
}

function idProblems({ client_id }: Client, config: Clients): string[] {
  const { issuer, resource_path, upstream_audience } = config
  // A URL would be taken for a metadata document, `dcr_…` for a client that registered itself.
  if (!/^[A-Za-z0-9._~-]{1,128}$/.test(client_id) || client_id.startsWith('dcr_'))
    return [
      `client_id: "${client_id}" must be up to 128 letters, digits and . _ ~ -, and not begin with dcr_`,
    ]
  return [upstream_audience, issuer, issuer + resource_path].includes(client_id)
    ? ['client_id: equals the upstream audience, the issuer or the resource']
    : []
}

function redirectProblems(client: Client, config: Clients): string[] {
  // Without one the redirect policy has nothing to compare with, and that problem is told elsewhere.
  if (!URL.canParse(config.issuer)) return []
  const { redirect_uris, post_logout_redirect_uris } = client
  if (redirect_uris.length === 0 || redirect_uris.length > most_redirect_uris)
    return [`redirect_uris: list 1 to ${most_redirect_uris}`]
  return [
    ...uriProblems('redirect_uris', redirect_uris, client, config),
    ...uriProblems('post_logout_redirect_uris', post_logout_redirect_uris, client, config),
  ]
}

function uriProblems(
  setting: string,
  uris: readonly string[],
  { first_party }: Client,
  { issuer, private_use_schemes }: Clients,
): string[] {
  return uris.flatMap((uri, index) => {
    const problem =
      redirectUriProblem(uri, { issuer, private_use_schemes, first_party }) ??
      // Nobody is asked for consent, so nobody else may be answered.
      (first_party && new URL(uri).origin !== new URL(issuer).origin
        ? "is not at the gateway's own origin, where pages of the gateway are"
        : undefined)
    return problem === undefined ? [] : [`${setting}.[${index}]: "${uri}" ${problem}`]
  })
}

function credentialProblems(client: Client): string[] {
  const { token_endpoint_auth_method: method, client_secret, jwks, jwks_uri } = client
  const found: string[] = []
  if (client.first_party && method === 'none')
    found.push(
      'token_endpoint_auth_method: a first_party client has to prove who it is; choose client_secret_basic',
    )
  const secret_needed = method === 'client_secret_basic' || method === 'client_secret_post'
  if (secret_needed && (client_secret === undefined || client_secret.length < 32))
    found.push(`client_secret: ${method} needs one of at least 32 characters`)
  if (!secret_needed && client_secret !== undefined)
    found.push(`client_secret: is of no use with ${method}; take it out`)
  const keys = [jwks, jwks_uri].filter(given => given !== undefined)
  if (method === 'private_key_jwt' && keys.length !== 1)
    found.push('jwks: private_key_jwt needs either jwks or jwks_uri')
  if (method !== 'private_key_jwt' && keys.length > 0)
    found.push(`jwks: is of no use with ${method}; take it out`)
  if (jwks_uri !== undefined && URL.parse(jwks_uri)?.protocol !== 'https:')
    found.push(`jwks_uri: "${jwks_uri}" must be an https URL`)
  if (jwks !== undefined) found.push(...jwksProblems(jwks))
  return found
}

function jwksProblems(jwks: string): readonly string[] {
  try {
    parsePublicJwks(jwks)
    return []
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return [`jwks: ${error.message}`]
  }
}

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
  const { clients, resource_servers } = config
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

function redirectProblems({ redirect_uris, first_party }: Client, config: Clients): string[] {
  const { issuer, private_use_schemes } = config
  // Without one the redirect policy has nothing to compare with, and that problem is told elsewhere.
  if (!URL.canParse(issuer)) return []
  if (redirect_uris.length === 0 || redirect_uris.length > most_redirect_uris)
    return [`redirect_uris: list 1 to ${most_redirect_uris}`]
  return redirect_uris.flatMap((uri, index) => {
    const problem = redirectUriProblem(uri, { issuer, private_use_schemes, first_party })
    return problem === undefined ? [] : [`redirect_uris.[${index}]: "${uri}" ${problem}`]
  })
}

function credentialProblems(client: Client): string[] {
  const { token_endpoint_auth_method: method, client_secret, jwks, jwks_uri } = client
  const found: string[] = []
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

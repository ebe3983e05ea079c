import type { ClientMetadata } from 'oidc-provider'
import type { Settings } from '../../config/settings.ts'
import { servedMetadata } from '../client-metadata.ts'
import type { RedirectPolicy } from '../redirect-uri.ts'
import { parsePublicJwks } from './public-jwks.ts'

type PreRegistered = Settings['clients'][number]

/** A client of the configuration, which was found to be in order at start. */
export function preRegisteredClient(client: PreRegistered): ClientMetadata {
  const { client_id, name, redirect_uris, token_endpoint_auth_method } = client
  return {
    ...servedMetadata(redirect_uris),
    client_id,
    client_name: name,
    token_endpoint_auth_method,
    ...(client.client_secret === undefined ? {} : { client_secret: client.client_secret }),
    ...(client.jwks === undefined ? {} : { jwks: parsePublicJwks(client.jwks) }),
    ...(client.jwks_uri === undefined ? {} : { jwks_uri: client.jwks_uri }),
    post_logout_redirect_uris: [...client.post_logout_redirect_uris],
    // Whoever asks for more is refused.
    ...(client.first_party ? { scope: 'openid', grant_types: ['authorization_code'] } : {}),
  }
}

/** Whether it is one of the gateway's own pages. Only the operator's configuration says so. */
export function isFirstParty({ clients }: Pick<Settings, 'clients'>, client_id: string): boolean {
  return clients.some(client => client.client_id === client_id && client.first_party)
}

/** Where a client may be answered: one of our own may be at our own origin. */
export function redirectPolicyOf(
  settings: Pick<Settings, 'issuer' | 'private_use_schemes' | 'clients'>,
  client_id: string,
): RedirectPolicy {
  const { issuer, private_use_schemes } = settings
  return { issuer, private_use_schemes, first_party: isFirstParty(settings, client_id) }
}

import type { Settings } from '../config/settings.ts'

/** RFC 9728 3.2. `offline_access` is the authorization server's business and not listed here. */
export function protectedResourceMetadata(
  settings: Pick<Settings, 'issuer' | 'resource' | 'resource_name' | 'scopes'>,
): object {
  return {
    resource: settings.resource,
    authorization_servers: [settings.issuer],
    scopes_supported: settings.scopes.map(scope => scope.name),
    bearer_methods_supported: ['header'],
    resource_name: settings.resource_name,
  }
}

/** oidc-provider's discovery document with what RFC 8414 asks for on top, and no null members. */
export function authorizationServerMetadata(
  discovery: Readonly<Record<string, unknown>>,
  settings: Pick<Settings, 'scopes' | 'resource'>,
): object {
  const scopes = ['openid', 'offline_access', ...settings.scopes.map(scope => scope.name)]
  const metadata = {
    ...discovery,
    scopes_supported: scopes,
    response_modes_supported: ['query'],
    client_id_metadata_document_supported: true,
    protected_resources: [settings.resource],
  }
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([, value]: readonly [string, unknown]) => value !== null && value !== undefined,
    ),
  )
}

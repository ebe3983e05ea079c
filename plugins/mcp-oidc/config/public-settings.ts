import type { GatewaySettings } from '../../../storage/gateway-settings.ts'
import type { Settings } from './settings.ts'

/** What people may know of the settings: the console shows it. Member by member, so that no secret slips in. */
export function publicSettings(settings: Settings): GatewaySettings {
  return {
    resource_name: settings.resource_name,
    resource: settings.resource,
    scopes: settings.scopes.map(({ name, description }) => ({ name, description })),
    access_token_ttl: settings.access_token_ttl,
    connection_ttl: settings.connection_ttl,
    connection_ttl_without_idp_refresh: settings.connection_ttl_without_idp_refresh,
    idp_outage_grace: settings.idp_outage_grace,
    stale_connection_grace: settings.stale_connection_grace,
    audit_retention: settings.audit_retention,
    unknown_clients: settings.unknown_clients,
    org_policies: settings.org_policies.map(({ org, unknown_clients }) => ({
      org,
      unknown_clients,
    })),
  }
}

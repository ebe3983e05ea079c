import type { Router } from 'express'
import { findSettings } from '../../storage/gateway-settings.ts'
import type { PageParts } from '../connections/router.ts'
import { type Limit, readLimits } from './limits.ts'

/** What holds for an org: how much its people may do, and for how long. */
export function limitPages(router: Router, { store, render, settings, log }: PageParts): void {
  router.get('/orgs/:org/limits', async (request, response) => {
    const { org } = request.params
    const known = await findSettings(store.db, settings.gateway_url)
    const own = known?.org_policies.find(policy => policy.org === org)
    render(response, 'limits', {
      title: 'Limits and session lengths',
      here: 'limits',
      org_id: org,
      // Member by member: what is configured for other organizations stays here.
      known: known && {
        access_token_ttl: known.access_token_ttl,
        connection_ttl: known.connection_ttl,
        connection_ttl_without_idp_refresh: known.connection_ttl_without_idp_refresh,
        idp_outage_grace: known.idp_outage_grace,
        audit_retention: known.audit_retention,
        unknown_clients: own?.unknown_clients ?? known.unknown_clients,
      },
      limits: await limits(),
    })
  })

  /** Undefined when they are not to be had. */
  async function limits(): Promise<readonly Limit[] | undefined> {
    const { kong_config } = settings
    if (kong_config === undefined) return undefined
    try {
      return await readLimits(kong_config)
    } catch (error) {
      log.error({ err: error }, 'KONG_CONFIG could not be read, so no limits are shown')
      return undefined
    }
  }
}

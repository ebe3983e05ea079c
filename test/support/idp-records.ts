import type { PresetName } from '../../plugins/mcp-oidc/config/idp-presets.ts'
import { tenant } from './imitated-idp.ts'

/** What an operator writes for each product beside its address and client, as docs/identity-providers.md says. */
export const idp_records: Readonly<Record<PresetName, object>> = {
  generic: {},
  okta: { org_without_claim: 'acme' },
  entra: { org_map: [{ value: tenant, org: 'acme' }] },
  google: { org_map: [{ value: 'acme.example', org: 'acme' }], email_domains: ['acme.example'] },
  keycloak: {},
  clerk: { org_map: [{ value: 'org_2abc', org: 'acme' }] },
  auth0: {
    org_map: [{ value: 'org_9xyz', org: 'acme' }],
    roles_claim: 'https://acme.example/roles',
    authorization_parameters: [{ name: 'organization', value: 'org_9xyz' }],
  },
}

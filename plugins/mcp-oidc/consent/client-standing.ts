import type { Database } from '../../../storage/database.ts'
import { findClientDecision, type OrgClient } from '../../../storage/org-clients.ts'
import type { Settings } from '../config/settings.ts'

/** Whether an org lets its people connect a client; `waiting` needs an administrator's word. */
export type ClientStanding = 'welcome' | 'waiting' | 'denied'

type Policy = Pick<Settings, 'unknown_clients' | 'org_policies' | 'clients'>

/** What the org has decided, or else what it has configured for clients it knows nothing of. */
export async function clientStanding(
  db: Database,
  settings: Policy,
  client: OrgClient,
): Promise<ClientStanding> {
  const decision = await findClientDecision(db, client)
  if (decision !== undefined) return decision === 'approved' ? 'welcome' : 'denied'
  if (settings.clients.some(({ client_id }) => client_id === client.client_id)) return 'welcome'
  return standingOfUnknown(settings, client.org_id)
}

const standing_by_policy = { allow: 'welcome', ask: 'waiting', deny: 'denied' } as const

function standingOfUnknown(
  { unknown_clients, org_policies }: Policy,
  org_id: string,
): ClientStanding {
  const own = org_policies.find(({ org }) => org === org_id)
  return standing_by_policy[own?.unknown_clients ?? unknown_clients]
}

import { type ListedOrgClient, listOrgClients } from '../../storage/org-clients.ts'
import { type ClientUse, emailInTrail, listClientUse } from '../../storage/org-connections.ts'
import type { Store } from '../../storage/store.ts'
import { describeClients, type ShownClient } from '../connections/describe.ts'

/** An AI app in an org: what was decided about it, who waits for it, how it is used. */
export interface ShownOrgClient {
  readonly client: ShownClient
  /** `undecided` where only the gateway's rule for unknown apps applies. */
  readonly status: ListedOrgClient['status'] | 'undecided'
  readonly asked_at: Date | undefined
  /** Some of those who asked, as the trail calls them. */
  readonly asked_by: readonly string[]
  readonly asked_by_more: number
  readonly decided_at: Date | undefined
  readonly decided_by: string | undefined
  readonly use: ClientUse | undefined
}

const most_named = 5

/** Those that wait first, then those in use, then the others. */
export async function describeOrgClients(
  store: Store,
  org_id: string,
): Promise<readonly ShownOrgClient[]> {
  const [listed, used] = await Promise.all([
    listOrgClients(store.db, { org_id }),
    listClientUse(store.db, org_id),
  ])
  const uses = new Map(used.map(use => [use.client_id, use]))
  const decided = new Map(listed.map(one => [one.client_id, one]))
  const ids = [...new Set([...decided.keys(), ...uses.keys()])]
  const clients = await describeClients(store, ids)
  const shown = await Promise.all(
    ids.map(async (client_id): Promise<ShownOrgClient> => {
      const known = decided.get(client_id)
      const client = clients(client_id)
      return {
        client:
          client.name === client_id && known?.client_name !== undefined
            ? { ...client, name: plain(known.client_name) }
            : client,
        status: known?.status ?? 'undecided',
        asked_at: known?.asked_at,
        asked_by: await namesOf(store, org_id, known?.asked_by.slice(0, most_named) ?? []),
        asked_by_more: Math.max(0, (known?.asked_by.length ?? 0) - most_named),
        decided_at: known?.decided_at,
        decided_by: known?.decided_by && (await nameOf(store, org_id, known.decided_by)),
        use: uses.get(client_id),
      }
    }),
  )
  const rank = ({ status, use }: ShownOrgClient) => (status === 'waiting' ? 0 : use ? 1 : 2)
  return shown.sort((one, other) => rank(one) - rank(other))
}

function namesOf(store: Store, org_id: string, user_ids: readonly string[]) {
  return Promise.all(user_ids.map(user_id => nameOf(store, org_id, user_id)))
}

async function nameOf({ db }: Store, org_id: string, decided_by: string): Promise<string> {
  if (!decided_by.startsWith('usr_')) return 'the operator'
  return (await emailInTrail(db, { org_id, user_id: decided_by })) ?? decided_by
}

/** Names come from strangers; those of earlier releases were not made plain when they were noted. */
function plain(name: string): string {
  return name.replace(/[\p{C}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/gu, '').slice(0, 60)
}

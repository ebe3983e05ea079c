import { rememberApproval } from '../../storage/approvals.ts'
import { noteClientName } from '../../storage/client-names.ts'
import { createConnection } from '../../storage/connections.ts'
import { requestClient } from '../../storage/org-clients.ts'
import { upsertRecord } from '../../storage/records.ts'
import type { Store } from '../../storage/store.ts'

export interface Seed {
  readonly id: string
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
  readonly email: string
}

const a_day = 86_400_000

/** A connection as the plugin leaves it behind. */
export async function seedConnection(store: Store, seed: Seed, scope = 'mcp:tools'): Promise<void> {
  const { id, user_id, org_id, client_id, email } = seed
  const expires_at = new Date(Date.now() + 30 * a_day)
  await createConnection(store, {
    ...{ id, user_id, org_id, client_id },
    idp_id: 'dev',
    expires_at,
    profile: { email, roles: [], idp_sub: `sub of ${email}` },
  })
  const grant = { accountId: user_id, clientId: client_id, resources: { 'http://gw/mcp': scope } }
  await upsertRecord(store, 'Grant', id, grant, { grant_id: id, expires_at })
}

export interface World {
  readonly connections: readonly Seed[]
}

/**
 * Two organizations: alice (admin) and bob of acme, carol of globex, each with a connection of the same app and of one
 * of their organization's own; an app that waits in each; approvals. What belongs to an organization has its name in it.
 */
export async function seedWorld(store: Store, userId: (sub: string) => string): Promise<World> {
  const people = [
    { sub: 'dev-alice', email: 'alice@acme.example', org_id: 'acme' },
    { sub: 'dev-bob', email: 'bob@acme.example', org_id: 'acme' },
    { sub: 'dev-carol', email: 'carol@globex.example', org_id: 'globex' },
  ]
  const connections: Seed[] = []
  for (const { sub, email, org_id } of people)
    for (const client_id of ['dcr_shared', `dcr_of_${org_id}`]) {
      const user_id = userId(sub)
      const seed = { id: `con_${org_id}_${sub}_${client_id}`, user_id, org_id, client_id, email }
      await seedConnection(store, seed)
      await rememberApproval(
        store.db,
        {
          user_id,
          org_id,
          client_id,
          redirect: `https://${org_id}.example`,
          resource: 'http://gw/mcp',
        },
        { scopes: ['mcp:tools'], skips_consent: true },
      )
      connections.push(seed)
    }
  for (const org_id of ['acme', 'globex']) {
    const client_id = `dcr_waits_in_${org_id}`
    const asker = people.findLast(person => person.org_id === org_id)
    await requestClient(store.db, {
      ...{ org_id, client_id },
      user_id: userId(asker?.sub ?? ''),
      client_name: `Waiting app of ${org_id}`,
    })
    const kind = 'self_declared'
    await noteClientName(store.db, { client_id, name: `Waiting app of ${org_id}`, kind })
    await noteClientName(store.db, {
      client_id: `dcr_of_${org_id}`,
      name: `App of ${org_id}`,
      kind,
    })
  }
  await noteClientName(store.db, {
    client_id: 'dcr_shared',
    name: 'Shared app',
    kind: 'pre_registered',
  })
  return { connections }
}

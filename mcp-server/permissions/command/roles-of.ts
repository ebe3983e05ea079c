import { openStore } from '../../../storage/commands/command-store.ts'
import { listConnections } from '../../../storage/list-connections.ts'

/** What somebody is in an organization. */
export interface Standing {
  readonly org_id: string
  readonly roles: readonly string[]
}

/**
 * What a user is in each organization, by their active connections: roles come with the identity
 * provider's word at sign-in and refresh. The newest connection of an organization counts.
 */
export async function rolesOf(
  user: string,
  org_id: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<readonly Standing[]> {
  const store = openStore(env)
  try {
    const newest = new Map<string, { at: Date; roles: readonly string[] }>()
    const selector = {
      ...(user.includes('@') ? { email: user } : { user_id: user }),
      ...(org_id === undefined ? {} : { org_id }),
    }
    for await (const connection of listConnections(store, { selector, ended: false })) {
      const known = newest.get(connection.org_id)
      if (known && known.at > connection.created_at) continue
      newest.set(connection.org_id, { at: connection.created_at, roles: connection.roles })
    }
    return [...newest].map(([org, { roles }]) => ({ org_id: org, roles }))
  } finally {
    await store.close()
  }
}

import type { Identity } from '../identity/identity.ts'
import type { Policy } from './policy.ts'

/** Where it is known what somebody may do in the product. */
export interface PermissionSource {
  /** For this user in this organization, now. Rejects when nobody can tell: the call is refused. */
  readonly permissionsOf: (identity: Identity) => Promise<ReadonlySet<string>>
}

/** What the roles give, within what the organization may do. */
export function permissionsOfRoles(
  { roles, organizations }: Policy,
  identity: Pick<Identity, 'roles' | 'org_id'>,
): ReadonlySet<string> {
  const given = identity.roles.flatMap(role => [...(roles.get(role) ?? [])])
  const most = organizations.get(identity.org_id)
  return new Set(given.filter(permission => most === undefined || most.has(permission)))
}

/** Permissions by role, from the policy that is in force at the moment of asking. */
export function rolePermissions(policy: () => Policy): PermissionSource {
  return { permissionsOf: identity => Promise.resolve(permissionsOfRoles(policy(), identity)) }
}

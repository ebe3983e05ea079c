import { z } from 'zod'
import { findRecord } from './records.ts'
import type { Store } from './store.ts'

/** oidc-provider's grant, as far as it says what may be done where. */
const grant = z.looseObject({ resources: z.record(z.string(), z.string()).optional() })

/** The scopes of a connection at its resources; none when it has ended. Rejects with SealError. */
export async function findGrantScopes(
  store: Store,
  connection_id: string,
): Promise<readonly string[]> {
  const found = await findRecord(store, 'Grant', connection_id)
  const { resources = {} } = grant.parse(found?.payload ?? {})
  return [...new Set(Object.values(resources).flatMap(scope => scope.split(' ')))].filter(
    scope => scope !== '',
  )
}

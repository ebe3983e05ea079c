import type { AdapterPayload } from 'oidc-provider'
import { keepClient, registerClient, useClient } from '../../../../storage/registered-clients.ts'
import type { Store } from '../../../../storage/store.ts'
import type { Settings } from '../../config/settings.ts'
import { temporarilyUnavailable } from '../temporarily-unavailable.ts'

/** Clients that registered themselves (RFC 7591). Those that nobody approves expire. */
export interface RegisteredClients {
  /** Rejects with a 503 for the client when too many wait to be used. */
  save(id: string, payload: AdapterPayload): Promise<void>
  /** A connection of it was approved: it stays. */
  use(id: string): Promise<void>
  /** Somebody may approve it within so many seconds: it does not expire before. */
  keep(id: string, seconds: number): Promise<void>
}

export function registeredClients(
  store: Store,
  {
    unused_client_ttl,
    most_unused_clients,
  }: Pick<Settings, 'unused_client_ttl' | 'most_unused_clients'>,
): RegisteredClients {
  return {
    async save(id, payload) {
      const limits = { unused_ttl: unused_client_ttl, most_unused: most_unused_clients }
      if (!(await registerClient(store, { id, payload: { ...payload }, ...limits })))
        throw temporarilyUnavailable(
          'Too many applications have registered without being used. Try again in an hour, or identify your application by a client ID metadata document.',
        )
    },
    use: id => useClient(store, id),
    keep: (id, seconds) => keepClient(store, id, seconds),
  }
}

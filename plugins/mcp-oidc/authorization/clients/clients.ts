import type { AdapterPayload, ClientMetadata } from 'oidc-provider'
import { findRecord } from '../../../../storage/records.ts'
import { keepClient, registerClient, useClient } from '../../../../storage/registered-clients.ts'
import type { Store } from '../../../../storage/store.ts'
import type { Settings } from '../../config/settings.ts'
import { temporarilyUnavailable } from '../temporarily-unavailable.ts'
import { preRegisteredClient } from './pre-registered.ts'

/** Who may ask for authorization: clients of the configuration, and those that registered themselves. */
export interface Clients {
  find(id: string): Promise<ClientMetadata | undefined>
  /** A client registers itself (RFC 7591). Rejects with a 503 for it when too many wait to be used. */
  save(id: string, payload: AdapterPayload): Promise<void>
  /** A connection was approved: one that registered itself stays from here on. */
  use(id: string): Promise<void>
  /** Somebody may approve one within so many seconds: it does not expire before. */
  keep(id: string, seconds: number): Promise<void>
}

type ClientSettings = Pick<Settings, 'clients' | 'unused_client_ttl' | 'most_unused_clients'>

export function createClients(store: Store, settings: ClientSettings): Clients {
  const pre_registered = new Map(
    settings.clients.map(client => [client.client_id, preRegisteredClient(client)]),
  )
  return {
    find: async id =>
      pre_registered.get(id) ??
      // What was written was a client's metadata.
      ((await findRecord(store, 'Client', id))?.payload as ClientMetadata | undefined),
    async save(id, payload) {
      const registration = { id, payload: { ...payload }, unused_ttl: settings.unused_client_ttl }
      if (
        !(await registerClient(store, {
          ...registration,
          most_unused: settings.most_unused_clients,
        }))
      )
        throw temporarilyUnavailable(
          'Too many applications have registered without being used. Try again in an hour, or identify your application by a client ID metadata document.',
        )
    },
    use: id => useClient(store, id),
    keep: (id, seconds) => keepClient(store, id, seconds),
  }
}

import { type AdapterPayload, type ClientMetadata, errors } from 'oidc-provider'
import { registerClient } from '../../../../storage/registered-clients.ts'
import type { Store } from '../../../../storage/store.ts'
import type { Settings } from '../../config/settings.ts'
import type { ClientDocuments } from '../client-documents/client-documents.ts'
import { DocumentError } from '../client-documents/document-error.ts'
import { isDocumentUrl } from '../client-documents/document-url.ts'
import { seen_client } from '../client-documents/seen-client.ts'
import { currentRecord } from '../refresh/refreshing.ts'
import { temporarilyUnavailable } from '../temporarily-unavailable.ts'
import { preRegisteredClient } from './pre-registered.ts'

/**
 * Who may ask for authorization: clients of the configuration, those that publish a metadata document
 * and name themselves by its URL, and those that registered themselves.
 */
export interface Clients {
  /** Rejects with an OAuth error when its document cannot be had. */
  find(id: string): Promise<ClientMetadata | undefined>
  /** One that registered itself. */
  registered(id: string): Promise<ClientMetadata | undefined>
  /** The client of a metadata document. Rejects with DocumentError. */
  document(client_id: string): Promise<ClientMetadata>
  /** A client registers itself (RFC 7591). Rejects with a 503 for it when too many wait to be used. */
  save(id: string, payload: AdapterPayload): Promise<void>
}

type ClientSettings = Pick<Settings, 'clients' | 'unused_client_ttl' | 'most_unused_clients'>

export function createClients(
  store: Store,
  settings: ClientSettings,
  documents: Pick<ClientDocuments, 'find'>,
): Clients {
  const pre_registered = new Map(
    settings.clients.map(client => [client.client_id, preRegisteredClient(client)]),
  )
  // What was written was a client's metadata.
  const registered = async (id: string) =>
    (await currentRecord(store, 'Client', id))?.payload as ClientMetadata | undefined
  return {
    async find(id) {
      const seen = seen_client.getStore()
      if (seen?.client_id === id) return seen
      const pre = pre_registered.get(id)
      if (pre) return pre
      if (isDocumentUrl(id)) return documents.find(id).catch(refuseClient)
      return registered(id)
    },
    registered: async id =>
      pre_registered.has(id) || isDocumentUrl(id) ? undefined : registered(id),
    document: id => documents.find(id),
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
  }
}

/** The client is told what is wrong with its document; what may pass is no reason to forget its tokens. */
function refuseClient(error: unknown): never {
  if (!(error instanceof DocumentError)) throw error
  const told = `The client metadata document was not accepted: ${error.message}.`
  if (error.transient) throw temporarilyUnavailable(told)
  const refusal = new errors.CustomOIDCProviderError('invalid_client', told)
  throw Object.assign(refusal, { status: 401, statusCode: 401 })
}

import type { Settings } from '../../config/settings.ts'
import { isDocumentUrl } from '../client-documents/document-url.ts'

/**
 * Who vouches for a client: the host that publishes its metadata document, the operator of this
 * gateway, or nobody but the client itself.
 */
export type ClientKind = 'verified_host' | 'pre_registered' | 'self_declared'

export function clientKind(client_id: string, { clients }: Pick<Settings, 'clients'>): ClientKind {
  if (clients.some(client => client.client_id === client_id)) return 'pre_registered'
  return isDocumentUrl(client_id) ? 'verified_host' : 'self_declared'
}

import type { ClientKind } from '../../../../storage/audit-event.ts'
import type { Settings } from '../../config/settings.ts'
import { isDocumentUrl } from '../client-documents/document-url.ts'

export function clientKind(client_id: string, { clients }: Pick<Settings, 'clients'>): ClientKind {
  if (clients.some(client => client.client_id === client_id)) return 'pre_registered'
  return isDocumentUrl(client_id) ? 'verified_host' : 'self_declared'
}

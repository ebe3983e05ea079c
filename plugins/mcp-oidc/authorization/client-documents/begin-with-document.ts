import type { Request, Response } from 'express'
import type { ClientMetadata } from 'oidc-provider'
import { requestId } from '../../audit.ts'
import { type Flow, tell } from '../../sign-in/flow.ts'
import { DocumentError } from './document-error.ts'
import { isDocumentUrl } from './document-url.ts'

/**
 * The document of a client that names itself by a URL; undefined for any other client. When it
 * cannot be had, a page has been sent that says why (requirement R07), and it is on record.
 */
export async function documentOf(
  flow: Flow,
  req: Request,
  res: Response,
  client_id: string,
): Promise<{ client: ClientMetadata | undefined } | 'refused'> {
  if (!isDocumentUrl(client_id)) return { client: undefined }
  try {
    return { client: await flow.clients.document(client_id) }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    const { message, transient, cause } = error
    const request_id = requestId(req)
    flow.log.warn({ client_id: client_id.slice(0, 200), err: cause, request_id }, message)
    await flow.audit(req, {
      type: 'registration',
      outcome: 'refused',
      client_id: client_id.slice(0, 200),
      error_code: transient ? 'client_document_unavailable' : 'client_document_refused',
      reason: message,
    })
    tell(flow, req, res, transient ? 503 : 400, {
      title: 'This application could not be identified',
      what_happened: `The application names itself by the address of a description of it, and that description was not accepted: ${message}.`,
      what_to_do: transient
        ? 'Wait a minute, then go back to your AI application and connect again. If it happens again, tell its maker.'
        : 'Tell the maker of your AI application what this page says, or ask your administrator whether the application may be used here.',
      detail: `invalid_client: ${client_id.slice(0, 200)}`,
    })
    return 'refused'
  }
}

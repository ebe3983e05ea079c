import type { Request, Response } from 'express'
import { type Flow, tell } from '../sign-in/flow.ts'
import { no_way_back } from '../sign-in/messages.ts'
import { redirectPolicyOf } from './clients/pre-registered.ts'
import { type ProviderResponse, send } from './provider-handler.ts'
import { responseLocationProblem } from './redirect-uri.ts'

/**
 * The last look before a browser leaves for a client, also with an error: what was allowed when the
 * request came may no longer be (requirement R04). A redirect that may not be followed becomes a page.
 */
export async function sendToClient(
  flow: Pick<Flow, 'settings' | 'audit' | 'pages'>,
  req: Request,
  res: Response,
  response: ProviderResponse,
  client_id: string,
): Promise<void> {
  const { location } = response.headers
  const policy = redirectPolicyOf(flow.settings, client_id)
  const problem =
    location === undefined ? undefined : responseLocationProblem(String(location), policy)
  if (problem === undefined) return send(res, response)
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    client_id,
    error_code: 'invalid_redirect_uri',
    reason: `the redirect URI ${problem}`,
  })
  tell(flow, req, res, 400, no_way_back)
}

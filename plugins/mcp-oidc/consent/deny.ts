import type { Request, Response } from 'express'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered } from '../sign-in/messages.ts'
import { finish } from './finish.ts'
import { claim, type Shown } from './shown.ts'

/** Tells the client `access_denied`, with what its user will understand (RFC 6749 4.1.2.1). */
export async function deny(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
  error_description = 'The user did not approve the connection.',
): Promise<void> {
  if (!(await claim(flow, flow.store.db, shown))) return tell(flow, req, res, 400, already_answered)
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    user_id: shown.pending.user_id,
    email: shown.pending.email,
    client_id: shown.interaction.client_id,
    error_code: 'access_denied',
  })
  await finish(flow, req, res, { error: 'access_denied', error_description })
}

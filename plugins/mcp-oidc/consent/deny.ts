import type { Request, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { deferWrites } from '../authorization/deferred-writes.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered } from '../sign-in/messages.ts'
import { resultOf, sendOn } from './finish.ts'
import { claim, type Shown } from './shown.ts'

/**
 * Tells the client `access_denied`, with what its user will understand (RFC 6749 4.1.2.1). The answer
 * and the record of it are one transaction: a failure leaves the page as it was.
 */
export async function deny(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
  error_description = 'The user did not approve the connection.',
): Promise<void> {
  const { answer: return_to, changes } = await deferWrites(flow.store, () =>
    resultOf(flow, req, res, { error: 'access_denied', error_description }),
  )
  const announce = await flow.store.db.transaction().execute(async db => {
    if (!(await claim(flow, db, shown))) return undefined
    await writeChanges({ db }, changes)
    return flow.audit.within(db, req, {
      type: 'consent',
      outcome: 'refused',
      user_id: shown.pending.user_id,
      email: shown.pending.email,
      client_id: shown.interaction.client_id,
      error_code: 'access_denied',
    })
  })
  if (!announce) return tell(flow, req, res, 400, already_answered)
  announce()
  sendOn(res, return_to)
}

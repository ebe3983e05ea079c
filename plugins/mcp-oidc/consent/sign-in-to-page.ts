import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { rememberPerson } from '../../../storage/signed-in-people.ts'
import { deferWrites } from '../authorization/deferred-writes.ts'
import { profileOf } from '../sign-in/confirm-person.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered } from '../sign-in/messages.ts'
import { resultOf, sendOn } from './finish.ts'
import { claim, type Shown } from './shown.ts'

/** How long a session in one of our own pages lasts, seconds. */
const session_ttl = 8 * 60 * 60
/** The same when there is nothing to ask the identity provider with whether they still have access. */
const session_ttl_without_refresh = 60 * 60

/**
 * Ends the sign-in of somebody at one of the gateway's own pages. Nobody is asked for consent, for
 * nothing is granted: the page learns who they are, and what they may do there is read from what is
 * noted here. Everything before was as for any client: this browser, the page that says where one
 * signs in, and the company sign-in. The answer and what is noted are one transaction.
 */
export async function signInToPage(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
): Promise<void> {
  const { interaction, pending } = shown
  const { user_id, idp_refresh_token } = pending
  const { client_id } = interaction
  const ttl = idp_refresh_token === undefined ? session_ttl_without_refresh : session_ttl
  const exp = Math.floor(flow.now() / 1000) + ttl
  const { answer: return_to, changes } = await deferWrites(flow.store, async () => {
    const grant = new flow.provider.Grant({ accountId: user_id, clientId: client_id })
    grant.jti = `page_${randomBytes(24).toString('base64url')}`
    grant.exp = exp
    grant.addOIDCScope('openid')
    await grant.save()
    return resultOf(flow, req, res, {
      login: { accountId: user_id, remember: false },
      consent: { grantId: grant.jti },
      select_account: {},
    })
  })
  const first = await flow.store.db.transaction().execute(async db => {
    if (!(await claim(flow, db, shown))) return false
    // On record is the sign-in, which names the page.
    await rememberPerson(
      { ...flow.store, db },
      {
        ...{ user_id, idp_id: pending.idp, profile: profileOf(pending), idp_refresh_token },
        expires_at: new Date(exp * 1000),
      },
    )
    return writeChanges({ db }, changes)
  })
  if (!first) return tell(flow, req, res, 400, already_answered)
  sendOn(res, return_to)
}

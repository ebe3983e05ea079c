import type { Request, RequestHandler, Response } from 'express'
import { endBrowserSessions, findUsers } from '../../../storage/end-connections.ts'
import { addRecordOnce, findRecord } from '../../../storage/records.ts'
import { requestId } from '../audit.ts'
import type { IdentityProvider } from '../config/settings.ts'
import type { Flow } from '../sign-in/flow.ts'
import { userId } from '../sign-in/person.ts'
import { type LogoutToken, verifyLogoutToken } from './logout-token.ts'

const model = 'LogoutToken'
/** Clocks may be apart: a token is remembered this much longer than it is valid; seconds. */
const memory_margin = 600

/**
 * POST /backchannel-logout/:idp (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8): the identity
 * provider says that somebody has signed out there. It ends the person's browser sessions here, and
 * their connections where the provider is configured so. Every token counts once; what it asks for
 * may be done twice without harm, so it is noted as seen only when all of it is done.
 */
export function backchannelLogout(flow: Flow): RequestHandler {
  return async (req, res) => {
    res.setHeader('cache-control', 'no-store')
    const idp = flow.settings.identity_providers.find(({ id }) => id === req.params.idp)
    const upstream = idp && flow.upstreams.get(idp.id)
    if (!idp || !upstream) return refuse(res, 404, 'There is no identity provider of this name.')
    const { logout_token } = (req.body ?? {}) as { logout_token?: unknown }
    if (typeof logout_token !== 'string') return refuse(res, 400, 'The logout_token is missing.')
    const detail = { idp: idp.id, request_id: requestId(req) }
    const verdict = await verifyLogoutToken(
      logout_token,
      idp,
      await upstream.signingKeys(),
      flow.now,
    )
    if ('refused' in verdict) {
      flow.log.warn({ ...detail, reason: verdict.refused }, 'a logout token was refused')
      return refuse(res, 400, `The logout token is not valid: ${verdict.refused}.`)
    }
    const { token } = verdict
    const jti = `${idp.id} ${token.jti}`
    const seen = await findRecord(flow.store, model, jti)
    if (!seen) await logOut(flow, { idp, token, req })
    const remembered_until = new Date((token.exp + memory_margin) * 1000)
    if (seen || !(await addRecordOnce(flow.store, model, jti, remembered_until))) {
      flow.log.warn({ ...detail, reason: 'jti' }, 'a logout token came a second time')
      return refuse(res, 400, 'The logout token was used before.')
    }
    res.status(200).end()
  }
}

interface Logout {
  readonly idp: IdentityProvider
  readonly token: LogoutToken
  readonly req: Request
}

async function logOut(flow: Flow, { idp, token, req }: Logout): Promise<void> {
  const { iss, sub, sid } = token
  const idp_id = idp.id
  const session = sid === undefined ? undefined : { idp_id, idp_sid: sid }
  const users =
    sub !== undefined ? [userId({ iss, sub })] : session ? await findUsers(flow.store, session) : []
  for (const user_id of users) {
    const sessions = await endBrowserSessions(flow.store, user_id)
    await flow.audit(req, {
      type: 'logout',
      outcome: 'ok',
      user_id,
      reason: `idp_logout: ${sessions} browser sessions`,
      idp: idp_id,
    })
    if (idp.idp_logout_ends === 'connections')
      // A session when one is named, else everything of that person at this provider.
      await flow.end({ user_id, ...(session ?? { idp_id }) }, { reason: 'idp_logout', req })
  }
}

/** 2.8: 400 with an error for what is wrong with the request. */
function refuse(res: Response, status: number, error_description: string): void {
  res.status(status).json({ error: 'invalid_request', error_description })
}

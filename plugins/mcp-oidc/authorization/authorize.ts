import type { RequestHandler } from 'express'
import { browserOf, knownBrowser } from '../sign-in/browser.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { expired, other_browser } from '../sign-in/messages.ts'
import { browserHash, isBrowser } from '../sign-in/transactions.ts'
import { askProvider, httpRequest, send } from './provider-handler.ts'
import { interaction_ttl } from './provider.ts'

/**
 * GET /authorize. A request that waits for its user belongs to this browser from here on: to show
 * it, to sign in, to approve and to carry the code away takes our own cookie, not only those of
 * oidc-provider, which a neighbouring domain could plant.
 */
export function beginAuthorization(flow: Flow): RequestHandler {
  return async (req, res) => {
    const response = await askProvider(flow.provider, flow.settings, httpRequest(req))
    const uid = /^\/connect\/([\w-]+)$/.exec(String(response.headers['location'] ?? ''))?.[1]
    if (uid === undefined) return send(res, response)
    const browser = browserOf(req.headers.cookie, flow.settings.secure)
    await keepWhileAsked(flow, req.query.client_id)
    await flow.transactions.bind(uid, browserHash(browser.id), interaction_ttl)
    const cookies = [response.headers['set-cookie'] ?? [], browser.set_cookie ?? []].flat()
    send(res, { ...response, headers: { ...response.headers, 'set-cookie': cookies } })
  }
}

/** A client that was never used may not expire between this request and its approval. */
async function keepWhileAsked({ clients }: Flow, client_id: unknown): Promise<void> {
  if (typeof client_id === 'string') await clients.keep(client_id, interaction_ttl + a_minute)
}
const a_minute = 60

/**
 * GET /authorize/:uid: the answer to the client, in the browser that asked, once: oidc-provider would
 * issue a code for each of two copies that come at the same moment.
 */
export function resumeAuthorization(flow: Flow): RequestHandler {
  return async (req, res) => {
    const uid = String(req.params.uid)
    const bound = await flow.transactions.boundTo(uid)
    if (bound === undefined) return tell(flow, req, res, 400, expired)
    if (!isBrowser(bound.browser, knownBrowser(req.headers.cookie, flow.settings.secure))) {
      await flow.audit(req, {
        type: 'consent',
        outcome: 'refused',
        error_code: 'other_browser',
      })
      return tell(flow, req, res, 403, other_browser)
    }
    if (!bound.answered) return res.redirect(303, `/connect/${uid}`)
    if (!(await flow.transactions.carryAnswer(uid))) return tell(flow, req, res, 400, expired)
    send(res, await askProvider(flow.provider, flow.settings, httpRequest(req)))
  }
}

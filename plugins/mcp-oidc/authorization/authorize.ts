import type { Request, RequestHandler, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { type Browser, browserOf, knownBrowser } from '../sign-in/browser.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered, expired, going_in_circles, other_browser } from '../sign-in/messages.ts'
import { browserHash, isBrowser } from '../sign-in/transactions.ts'
import { documentOf } from './client-documents/begin-with-document.ts'
import { isKept, seen_client, seenClientRecord } from './client-documents/seen-client.ts'
import { deferWrites } from './deferred-writes.ts'
import { askProvider, httpRequest, type ProviderResponse, send } from './provider-handler.ts'
import { queryOf } from './provider-request.ts'
import { interaction_ttl } from './provider.ts'
import { sendToClient } from './send-to-client.ts'

/**
 * GET /authorize. A request that waits for its user belongs to this browser from here on: to show
 * it, to sign in, to approve and to carry the code away takes our own cookie, not only those of
 * oidc-provider, which a neighbouring domain could plant.
 */
export function beginAuthorization(flow: Flow): RequestHandler {
  return async (req, res) => {
    const client_id = queryOf(req.url).get('client_id') ?? ''
    const found = await documentOf(flow, req, res, client_id)
    if (found === 'refused') return
    const client = found.client ?? (await flow.clients.registered(client_id))
    const ask = () => askProvider(flow.provider, flow.settings, httpRequest(req))
    const { answer: response, changes } = await deferWrites(flow.store, () =>
      client ? seen_client.run(client, ask) : ask(),
    )
    const location = String(response.headers['location'] ?? '')
    const uid = /^\/connect\/([\w-]+)$/.exec(location)?.[1]
    if (location === '') {
      await writeChanges(flow.store, changes)
      return send(res, response)
    }
    const browser = browserOf(req.headers.cookie, flow.settings.secure)
    if (uid === undefined) {
      const bounce = await flow.bounces.another(browserHash(browser.id), client_id)
      if (bounce === undefined) {
        const error = URL.parse(location)?.searchParams.get('error') ?? 'no error'
        return stop(flow, req, res, client_id, error)
      }
      await writeChanges(flow.store, { ...changes, written: [...changes.written, bounce] })
      return sendToClient(flow, req, res, withCookie(response, browser), client_id)
    }
    const fetch_site = req.headers['sec-fetch-site']
    const binding = flow.transactions.binding(
      uid,
      {
        browser: browserHash(browser.id),
        client_id,
        ...(typeof fetch_site === 'string' ? { fetch_site: fetch_site.slice(0, 32) } : {}),
      },
      interaction_ttl,
    )
    const kept = found.client ?? (client && isKept(client) ? client : undefined)
    const seen = kept && { uid, client: kept, ttl: interaction_ttl }
    await writeChanges(flow.store, {
      ...changes,
      written: [
        ...changes.written,
        binding,
        ...(seen ? [seenClientRecord(flow.store, flow.now(), seen)] : []),
      ],
      // A client that was never used may not expire between this request and its approval.
      keeps: { client_id, seconds: interaction_ttl + a_minute },
    })
    send(res, withCookie(response, browser))
  }
}
const a_minute = 60

/**
 * GET /authorize/:uid: the answer to the client, in the browser that asked, once: oidc-provider makes
 * a code for each of two copies that come at the same moment, and one of them is written.
 */
export function resumeAuthorization(flow: Flow): RequestHandler {
  return async (req, res) => {
    const uid = String(req.params.uid)
    const bound = await flow.transactions.boundTo(uid)
    if (bound === undefined) return tell(flow, req, res, 400, expired)
    const browser = knownBrowser(req.headers.cookie, flow.settings.secure)
    if (browser === undefined || !isBrowser(bound.browser, browser)) {
      await flow.audit(req, {
        type: 'consent',
        outcome: 'refused',
        client_id: bound.client_id,
        error_code: 'other_browser',
      })
      return tell(flow, req, res, 403, other_browser)
    }
    if (!bound.answered) return res.redirect(303, `/connect/${uid}`)
    const { client_id } = bound
    // Asked before there is a code that nobody would get.
    const bounce = await flow.bounces.another(browserHash(browser), client_id)
    if (bounce === undefined) return stop(flow, req, res, client_id)
    const { answer: response, changes } = await deferWrites(flow.store, () =>
      askProvider(flow.provider, flow.settings, httpRequest(req)),
    )
    const first = await writeChanges(flow.store, {
      once: flow.transactions.wayBack(uid, interaction_ttl),
      ...changes,
      written: [...changes.written, bounce],
    })
    if (!first) return tell(flow, req, res, 400, already_answered)
    await sendToClient(flow, req, res, response, client_id)
  }
}

/** The person is told, in place of a client that would only send the browser here again (A11). */
async function stop(
  flow: Flow,
  req: Request,
  res: Response,
  client_id: string,
  error?: string,
): Promise<void> {
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    client_id,
    error_code: 'going_in_circles',
    ...(error === undefined ? {} : { reason: error }),
  })
  res.setHeader('retry-after', '60')
  tell(flow, req, res, 429, {
    ...going_in_circles,
    ...(error === undefined ? {} : { detail: error }),
  })
}

function withCookie(response: ProviderResponse, { set_cookie }: Browser): ProviderResponse {
  const cookies = [response.headers['set-cookie'] ?? [], set_cookie ?? []].flat()
  return { ...response, headers: { ...response.headers, 'set-cookie': cookies } }
}

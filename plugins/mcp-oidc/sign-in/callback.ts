import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { requestId } from '../audit.ts'
import { presets } from '../config/idp-presets.ts'
import { interaction_ttl } from '../authorization/provider.ts'
import { knownBrowser } from './browser.ts'
import { type Flow, tell } from './flow.ts'
import {
  cancelled,
  expired,
  other_browser,
  sign_in_failed,
  signInUnreachable,
  trouble_there,
  unwelcome,
  used,
} from './messages.ts'
import { browserHash, isBrowser, type Transaction } from './transactions.ts'
import { UpstreamError } from './upstream-error.ts'

/**
 * GET /callback/:idp: the browser is back from the company sign-in. The order matters: a `state`
 * of ours, this provider, this browser, used once, and only then is the code redeemed.
 */
export function finishSignIn(flow: Flow) {
  return async (req: Request, res: Response): Promise<void> => {
    const { searchParams: query } = new URL(req.url, flow.settings.issuer)
    const state = query.get('state')
    const transaction = state === null ? undefined : await flow.transactions.find(state)
    if (state === null || !transaction || transaction.idp !== req.params.idp)
      return tell(flow, req, res, 400, expired)
    const browser = knownBrowser(req.headers.cookie, flow.settings.secure)
    if (browser === undefined || !isBrowser(transaction.browser, browser)) {
      await flow.audit(req, {
        type: 'sign_in',
        outcome: 'refused',
        error_code: 'other_browser',
        reason: `identity provider ${transaction.idp}`,
        ...about(transaction),
      })
      return tell(flow, req, res, 403, other_browser)
    }
    if (!(await flow.transactions.take(state))) return tell(flow, req, res, 400, used)
    const error = query.get('error')
    if (error !== null) {
      await flow.audit(req, {
        type: 'sign_in',
        outcome: 'refused',
        error_code: 'idp_error',
        reason: error.slice(0, 200),
        ...about(transaction),
      })
      return answerOf(flow, req, res, error)
    }
    return redeem(flow, req, res, { state, transaction, query, browser })
  }
}

const about = ({ idp, client_id }: Transaction) => ({
  idp,
  ...(client_id === '' ? {} : { client_id }),
})

/** What the provider says of itself is an outage; anything else is about the person or the request. */
function answerOf(flow: Flow, req: Request, res: Response, error: string): void {
  const detail = /^[a-z_]{1,60}$/.test(error) ? { detail: error } : {}
  if (error === 'server_error' || error === 'temporarily_unavailable')
    return tell(flow, req, res, 503, { ...trouble_there, ...detail })
  tell(flow, req, res, 403, { ...cancelled, ...detail })
}

interface Returned {
  readonly state: string
  readonly transaction: Transaction
  readonly query: URLSearchParams
  readonly browser: string
}

async function redeem(
  flow: Flow,
  req: Request,
  res: Response,
  { state, transaction, query, browser }: Returned,
): Promise<void> {
  const { idp, uid, nonce, code_verifier } = transaction
  const upstream = flow.upstreams.get(idp)
  if (!upstream) return tell(flow, req, res, 400, expired)
  try {
    const signed_in = await upstream.finish(query, { state, nonce, code_verifier })
    if ('unwelcome' in signed_in) {
      await flow.audit(req, {
        type: 'sign_in',
        outcome: 'refused',
        error_code: signed_in.unwelcome,
        reason: `identity provider ${idp}`,
        ...about(transaction),
        ...signed_in.who,
      })
      return tell(flow, req, res, 403, unwelcome[signed_in.unwelcome])
    }
    const { person, idp_refresh_token } = signed_in
    const sign_in = randomBytes(16).toString('base64url')
    const pending = flow.transactions.consent(
      sign_in,
      { ...person, uid, idp, browser: browserHash(browser), idp_refresh_token },
      interaction_ttl,
    )
    await flow.audit.together(
      req,
      {
        type: 'sign_in',
        outcome: 'ok',
        user_id: person.user_id,
        email: person.email,
        reason: `identity provider ${idp}`,
        ...about(transaction),
      },
      event => writeChanges(flow.store, { written: [pending], events: [event] }),
    )
    if (idp_refresh_token === undefined) warnOfShorterEnd(flow, req, idp)
    res.setHeader('cache-control', 'no-store')
    res.redirect(303, `/connect/${uid}?sign_in=${sign_in}`)
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    flow.log.error({ err: error, idp, request_id: requestId(req) }, 'sign-in failed')
    await flow.audit(req, {
      type: 'sign_in',
      outcome: 'error',
      error_code: error.code,
      reason: `identity provider ${idp}`,
      ...about(transaction),
    })
    if (error.code === 'unreachable')
      return tell(flow, req, res, 503, signInUnreachable(upstream.name))
    tell(flow, req, res, 502, sign_in_failed)
  }
}

/** Not wrong, but seldom meant: people sign in again sooner (requirement T06). */
function warnOfShorterEnd({ log, settings }: Flow, req: Request, idp: string): void {
  const preset = settings.identity_providers.find(({ id }) => id === idp)?.preset ?? 'generic'
  const { refresh_token_remedy: remedy } = presets[preset]
  log.warn(
    { idp, remedy, request_id: requestId(req) },
    'the identity provider gave no refresh token: the connection ends sooner',
  )
}

import type { Request, Response } from 'express'
import { knownBrowser } from '../../sign-in/browser.ts'
import { type Flow, tell } from '../../sign-in/flow.ts'
import { ownInteraction } from '../../sign-in/interaction.ts'
import { already_answered, other_browser } from '../../sign-in/messages.ts'
import { isBrowser } from '../../sign-in/transactions.ts'
import { approve } from '../approve.ts'
import { denyWithReason } from '../decide.ts'
import { findShown, type Shown, whyNotShown } from '../shown.ts'
import { orSayAway } from './ask-service.ts'
import { askedFor } from './consent-request.ts'
import type { ConsentService } from './consent-service.ts'
import { decision_refused } from './messages.ts'
import { useDecision, wasRequested } from './used-once.ts'
import { type DecisionVerdict, verifyDecision } from './verify-decision.ts'

/**
 * GET /connect/:uid/consent: the browser is back from the service with what was decided there. It is
 * a GET because our cookie is SameSite=Lax. What follows is as if our own page had been answered.
 */
export function takeDecision(flow: Flow, service: ConsentService) {
  return async (req: Request, res: Response): Promise<void> => {
    if (await isElsewhere(flow, req)) return refuseElsewhere(flow, req, res)
    const interaction = await ownInteraction(flow, req, res)
    if (!interaction) return
    if (interaction.answered) return tell(flow, req, res, 400, already_answered)
    const shown = await findShown(flow, interaction, req.query['sign_in'])
    if (!shown) return tell(flow, req, res, 400, await whyNotShown(flow, interaction))
    const verdict = await orSayAway(flow, req, res, shown, () =>
      judge(flow, service, shown, req.query['decision']),
    )
    if (verdict === undefined) return
    if ('refused' in verdict) return refuseDecision(flow, req, res, shown, verdict.refused)
    if (verdict.decision === 'deny') return denyWithReason(flow, req, res, shown)
    return approve(flow, req, res, shown, { org_id: verdict.org, by: 'external' })
  }
}

/** Whether this is another browser than the one that was sent out. */
async function isElsewhere(flow: Flow, req: Request): Promise<boolean> {
  const bound = await flow.transactions.boundTo(String(req.params['uid']))
  const browser = knownBrowser(req.headers.cookie, flow.settings.secure)
  return bound !== undefined && !isBrowser(bound.browser, browser)
}

/** Somebody may have been sent a request to approve that is another person's. */
async function refuseElsewhere(flow: Flow, req: Request, res: Response): Promise<void> {
  await flow.audit(req, { type: 'consent', outcome: 'refused', error_code: 'other_browser' })
  tell(flow, req, res, 403, other_browser)
}

/** What comes last uses the decision up. */
async function judge(
  flow: Flow,
  service: ConsentService,
  shown: Shown,
  jwt: unknown,
): Promise<DecisionVerdict> {
  const { settings } = flow
  const verdict = await verifyDecision(jwt, service, {
    asked: askedFor(settings, shown),
    issuer: settings.issuer,
    now: flow.now(),
  })
  if ('refused' in verdict) return verdict
  if (!(await wasRequested(flow, verdict.request_jti, shown.sign_in)))
    return { refused: 'request_jti' }
  return (await useDecision(flow, verdict)) ? verdict : { refused: 'used' }
}

async function refuseDecision(
  flow: Flow,
  req: Request,
  res: Response,
  { interaction, pending }: Shown,
  refused: string,
): Promise<void> {
  const error_code = `decision_${refused}`
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    user_id: pending.user_id,
    email: pending.email,
    client_id: interaction.client_id,
    error_code,
  })
  tell(flow, req, res, 403, { ...decision_refused, detail: error_code })
}

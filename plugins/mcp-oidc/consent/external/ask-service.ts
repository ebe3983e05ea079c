import type { Request, Response } from 'express'
import { requestId } from '../../audit.ts'
import { type Flow, tell } from '../../sign-in/flow.ts'
import type { Shown } from '../shown.ts'
import { consentRequest } from './consent-request.ts'
import { type ConsentService, ConsentServiceUnreachable } from './consent-service.ts'
import { consent_unreachable } from './messages.ts'
import { rememberRequest } from './used-once.ts'

/** Sends the browser to the service in place of showing our page. No code exists yet. */
export async function askService(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
  service: ConsentService,
): Promise<void> {
  // Nobody is asked for what could not be taken from them afterwards.
  if (!(await orSayAway(flow, req, res, shown, () => service.ready().then(() => true)))) return
  const { jti, jwt } = await consentRequest(flow, shown, service.audience)
  await rememberRequest(flow, jti, shown.sign_in)
  const url = new URL(service.url)
  url.searchParams.set('request', jwt)
  res.setHeader('cache-control', 'no-store')
  res.redirect(303, url.href)
}

/** What `step` gives; undefined once a page has said that the service is away. */
export async function orSayAway<T>(
  flow: Flow,
  req: Request,
  res: Response,
  { interaction, pending }: Shown,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await step()
  } catch (error) {
    if (!(error instanceof ConsentServiceUnreachable)) throw error
    flow.log.error({ err: error, request_id: requestId(req) }, 'consent service cannot be asked')
    await flow.audit(req, {
      type: 'consent',
      outcome: 'error',
      user_id: pending.user_id,
      email: pending.email,
      client_id: interaction.client_id,
      error_code: 'consent_service_unreachable',
    })
    res.setHeader('retry-after', '5')
    tell(flow, req, res, 503, consent_unreachable)
    return undefined
  }
}

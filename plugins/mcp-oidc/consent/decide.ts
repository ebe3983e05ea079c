import type { Request, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { bouncesOf } from '../sign-in/bounces.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import type { Interaction } from '../sign-in/interaction.ts'
import { form_not_ours } from '../sign-in/messages.ts'
import type { PendingConsent } from '../sign-in/transactions.ts'
import { approve } from './approve.ts'
import { deny } from './deny.ts'
import { clientStanding } from './client-standing.ts'
import { findShown, type Shown, whyNotShown } from './shown.ts'
import { turned_away } from './turn-away.ts'

type Form = Readonly<Record<string, unknown>>

/**
 * The consent page was answered. What is approved is the sign-in that the page showed, which never
 * changes; it counts once, and so does the request, however many sign-ins it has seen.
 */
export async function decide(
  flow: Flow,
  req: Request,
  res: Response,
  interaction: Interaction,
  sign_in: string,
  { decision, org, remember }: Form,
): Promise<void> {
  if (decision !== 'approve' && decision !== 'deny') return tell(flow, req, res, 400, form_not_ours)
  // No page asks for consent to one of ours, and none is ever given.
  if (interaction.first_party) return tell(flow, req, res, 400, form_not_ours)
  const shown = await findShown(flow, interaction, sign_in)
  if (!shown) return tell(flow, req, res, 400, await whyNotShown(flow, interaction))
  if (decision === 'deny') {
    await writeChanges(flow.store, { removed: [bouncesOf(flow, interaction)] })
    return denyWithReason(flow, req, res, shown)
  }
  if (flow.consent_service) return refuseOwnApproval(flow, req, res, shown)
  const org_id = chosen(shown.pending, org)
  if (org_id === undefined) return tell(flow, req, res, 400, form_not_ours)
  return approve(flow, req, res, shown, { org_id, by: 'person', skips_consent: remember === 'yes' })
}

/** Deny, with the reason that the client is told. */
export async function denyWithReason(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
): Promise<void> {
  return deny(flow, req, res, shown, await whyDenied(flow, shown))
}

/** Where a service decides, no page of ours asks for an approval, and a form is none. */
async function refuseOwnApproval(
  flow: Flow,
  req: Request,
  res: Response,
  { interaction, pending }: Shown,
): Promise<void> {
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    user_id: pending.user_id,
    email: pending.email,
    client_id: interaction.client_id,
    error_code: 'consent_is_external',
  })
  tell(flow, req, res, 403, form_not_ours)
}

/** An org that turned the person away is the reason, not they. */
async function whyDenied(flow: Flow, { interaction, pending }: Shown): Promise<string | undefined> {
  const standings = await Promise.all(
    pending.orgs.map(org_id =>
      clientStanding(flow.store.db, flow.settings, { org_id, client_id: interaction.client_id }),
    ),
  )
  if (standings.includes('welcome')) return undefined
  return turned_away[standings.includes('waiting') ? 'waiting' : 'denied']
}

/** A page with one org has no field for it. */
function chosen({ orgs }: PendingConsent, org: unknown): string | undefined {
  return org === undefined && orgs.length === 1 ? orgs[0] : orgs.find(offer => offer === org)
}

import type { Request, Response } from 'express'
import type { EarlierApproval } from '../../../storage/approvals.ts'
import { connectionLifetime } from '../connections/lifetime.ts'
import { sendPage } from '../http/page.ts'
import { formActionSource } from '../pages/content-security-policy.ts'
import { csrfToken } from '../sign-in/browser.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { clientOnPage, type Interaction } from '../sign-in/interaction.ts'
import { allowedBefore, approvedBefore, rememberedOrg } from './approval.ts'
import { approve } from './approve.ts'
import { clientStanding } from './client-standing.ts'
import { askService } from './external/ask-service.ts'
import { findShown, type Shown, whyNotShown } from './shown.ts'
import { signInToPage } from './sign-in-to-page.ts'
import { turnAway } from './turn-away.ts'

/**
 * After sign-in: the consent page, or the way on when this was approved before. Where a service
 * decides, it does each time: what was approved before is not looked at.
 */
export async function showConsent(
  flow: Flow,
  req: Request,
  res: Response,
  interaction: Interaction,
  sign_in: unknown,
): Promise<void> {
  const shown = await findShown(flow, interaction, sign_in)
  if (!shown) return tell(flow, req, res, 400, await whyNotShown(flow, interaction))
  if (interaction.first_party) return signInToPage(flow, req, res, shown)
  const [only_org, ...others] = shown.pending.orgs
  if (only_org !== undefined && others.length === 0) {
    const client = { org_id: only_org, client_id: interaction.client_id }
    const standing = await clientStanding(flow.store.db, flow.settings, client)
    if (standing !== 'welcome')
      return turnAway(flow, req, res, shown, { org_id: only_org, standing })
  }
  if (flow.consent_service) return askService(flow, req, res, shown, flow.consent_service)
  const before = await approvedBefore(flow, shown)
  const org_id = await rememberedOrg(flow, shown, before)
  if (org_id !== undefined) return approve(flow, req, res, shown, { org_id, by: 'remembered' })
  // The answer leads to the client, which may pass the browser on.
  sendPage(res, 200, await consentPage(flow, shown, before), [
    'https:',
    formActionSource(interaction.redirect_uri),
  ])
}

/** Who, which application, what in words, for how long. No code exists yet. */
async function consentPage(
  flow: Flow,
  shown: Shown,
  earlier: readonly EarlierApproval[],
): Promise<string> {
  const { settings } = flow
  const { interaction, sign_in, pending } = shown
  const before = allowedBefore(shown, earlier)
  const scopes = settings.scopes.filter(({ name }) => interaction.scopes.includes(name))
  return flow.pages.consent({
    action: `/connect/${interaction.uid}?sign_in=${sign_in}`,
    // Bound to this sign-in: what is approved is what this page shows.
    csrf: csrfToken(settings.cookie_keys, interaction.browser, `${interaction.uid} ${sign_in}`),
    client: await clientOnPage(flow, interaction),
    resource_name: settings.resource_name,
    resource: settings.resource,
    user: { email: pending.email, ...(pending.name === undefined ? {} : { name: pending.name }) },
    orgs: pending.orgs,
    scopes: scopes.filter(({ name }) => !before.scopes.includes(name)),
    allowed_before: scopes.filter(({ name }) => before.scopes.includes(name)),
    new_address: before.new_address,
    ends_at: new Date(flow.now() + connectionLifetime(settings, pending) * 1000),
  })
}

import type { Request, Response } from 'express'
import { connectionLifetime } from '../connections/lifetime.ts'
import { sendPage } from '../http/page.ts'
import { formActionSource } from '../pages/content-security-policy.ts'
import { csrfToken } from '../sign-in/browser.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { clientOnPage, type Interaction } from '../sign-in/interaction.ts'
import { expired } from '../sign-in/messages.ts'
import { belongsTo } from './belongs-to.ts'

/** The consent page: who, which application, what in words, for how long. No code exists yet. */
export async function showConsent(
  flow: Flow,
  req: Request,
  res: Response,
  interaction: Interaction,
  sign_in: unknown,
): Promise<void> {
  const { settings } = flow
  const pending =
    typeof sign_in === 'string' ? await flow.transactions.pendingConsent(sign_in) : undefined
  if (typeof sign_in !== 'string' || !pending || !belongsTo(pending, interaction))
    return tell(flow, req, res, 400, expired)
  const html = flow.pages.consent({
    action: `/connect/${interaction.uid}?sign_in=${sign_in}`,
    // Bound to this sign-in: what is approved is what this page shows.
    csrf: csrfToken(settings.cookie_keys, interaction.browser, `${interaction.uid} ${sign_in}`),
    client: await clientOnPage(flow.provider, interaction),
    resource_name: settings.resource_name,
    resource: settings.resource,
    user: { email: pending.email, ...(pending.name === undefined ? {} : { name: pending.name }) },
    orgs: pending.orgs,
    scopes: settings.scopes
      .filter(({ name }) => interaction.scopes.includes(name))
      .map(({ name, description }) => ({ name, description })),
    ends_at: new Date(flow.now() + connectionLifetime(settings, pending) * 1000),
  })
  // The answer leads to the client, which may pass the browser on.
  sendPage(res, 200, html, ['https:', formActionSource(interaction.redirect_uri)])
}

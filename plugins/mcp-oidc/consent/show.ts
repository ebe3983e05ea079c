import type { Response } from 'express'
import { sendPage } from '../http/page.ts'
import { formActionSource } from '../pages/content-security-policy.ts'
import { csrfToken } from '../sign-in/browser.ts'
import type { Flow } from '../sign-in/flow.ts'
import { clientOnPage, type Interaction } from '../sign-in/interaction.ts'
import type { PendingConsent } from '../sign-in/transactions.ts'

/** The consent page: who, which application, what in words, for how long. No code exists yet. */
export async function showConsent(
  flow: Flow,
  res: Response,
  interaction: Interaction,
  pending: PendingConsent,
  browser: string,
): Promise<void> {
  const { settings } = flow
  const html = flow.pages.consent({
    action: `/connect/${interaction.uid}`,
    csrf: csrfToken(settings.cookie_keys, browser, interaction.uid),
    client: await clientOnPage(flow.provider, interaction),
    resource_name: settings.resource_name,
    resource: settings.resource,
    user: { email: pending.email, ...(pending.name === undefined ? {} : { name: pending.name }) },
    orgs: pending.orgs,
    scopes: settings.scopes
      .filter(({ name }) => interaction.scopes.includes(name))
      .map(({ name, description }) => ({ name, description })),
    ends_at: new Date(flow.now() + settings.connection_ttl * 1000),
  })
  // The answer leads to the client, which may pass the browser on.
  sendPage(res, 200, html, ['https:', formActionSource(interaction.redirect_uri)])
}

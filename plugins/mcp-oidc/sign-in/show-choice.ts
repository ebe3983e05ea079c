import type { Response } from 'express'
import { sendPage } from '../http/page.ts'
import { formActionSource } from '../pages/content-security-policy.ts'
import { csrfToken } from './browser.ts'
import { hintedProvider } from './choose-provider.ts'
import type { Flow } from './flow.ts'
import { clientOnPage, type Interaction } from './interaction.ts'

/**
 * The page that names the client and offers the ways to sign in. `typed` is an address that leads to
 * none of them: the page says so, and what it says depends on the domain alone.
 */
export async function showChoice(
  flow: Flow,
  res: Response,
  interaction: Interaction,
  typed?: string,
): Promise<void> {
  const { settings } = flow
  const { identity_providers } = settings
  const hinted = typed === undefined ? hintedProvider(identity_providers, interaction) : undefined
  const by_email =
    identity_providers.length > 1 &&
    identity_providers.some(({ email_domains = [] }) => email_domains.length > 0)
  const page = flow.pages.connect({
    action: `/connect/${interaction.uid}`,
    csrf: csrfToken(settings.cookie_keys, interaction.browser, interaction.uid),
    client: await clientOnPage(flow, interaction),
    first_party: interaction.first_party,
    resource_name: settings.resource_name,
    resource: settings.resource,
    providers: identity_providers.map(({ id, name }) => ({ id, name })),
    ...(hinted ? { hinted: hinted.id } : {}),
    ...(by_email ? { by_email: typed === undefined ? {} : { unknown_address: typed } } : {}),
  })
  // Providers pass the browser on between hosts of their own, and each hop counts as the form's.
  const issuers = identity_providers.map(({ issuer }) => formActionSource(issuer))
  const service = flow.consent_service
  if (service) issuers.push(formActionSource(service.url))
  // A second copy of this page may find the request answered, and then leads to the client.
  const form_action = ['https:', ...issuers, formActionSource(interaction.redirect_uri)]
  sendPage(res, typed === undefined ? 200 : 400, page, form_action)
}

import type { Request, Response } from 'express'
import { noteClientName } from '../../../storage/client-names.ts'
import { requestClient } from '../../../storage/org-clients.ts'
import { requestId } from '../audit.ts'
import { sendPage } from '../http/page.ts'
import { formActionSource } from '../pages/content-security-policy.ts'
import { csrfToken } from '../sign-in/browser.ts'
import type { Flow } from '../sign-in/flow.ts'
import { clientOnPage } from '../sign-in/interaction.ts'
import type { ClientStanding } from './client-standing.ts'
import { nameOfClient } from './name-of-client.ts'
import type { Shown } from './shown.ts'

export type TurnedAway = Exclude<ClientStanding, 'welcome'>

/** What the client is told (RFC 6749 4.1.2.1: printable ASCII without quotes). */
export const turned_away = {
  waiting: 'An administrator of the organization has to approve this application first.',
  denied: 'The organization does not allow this application.',
} as const

/**
 * The org does not let its people connect this client, or not yet: a page says so and leads back to
 * the client, which is told by `access_denied`. Nothing has been answered: after an approval, the same
 * page may be reloaded.
 */
export async function turnAway(
  flow: Flow,
  req: Request,
  res: Response,
  { interaction, sign_in, pending }: Shown,
  {
    org_id,
    standing,
  }: { readonly org_id: string; readonly standing: Exclude<ClientStanding, 'welcome'> },
): Promise<void> {
  const { settings } = flow
  const { client_id, uid, browser, redirect_uri } = interaction
  const { user_id, email } = pending
  const client = await clientOnPage(flow, interaction)
  await noteClientName(flow.store.db, await nameOfClient(flow, interaction))
  const noted =
    standing === 'denied' ||
    (await requestClient(flow.store.db, { org_id, client_id, user_id, client_name: client.name }))
  await flow.audit(req, {
    type: 'consent',
    outcome: 'refused',
    ...{ user_id, email, org_id, client_id },
    error_code: standing === 'denied' ? 'client_denied' : 'client_waiting',
    ...(noted ? {} : { reason: 'too many requests of this person wait' }),
  })
  const request_id = requestId(req)
  const page = flow.pages.turnedAway({
    action: `/connect/${uid}?sign_in=${sign_in}`,
    csrf: csrfToken(settings.cookie_keys, browser, `${uid} ${sign_in}`),
    ...messageOf(standing, noted, client.name, org_id),
    ...(request_id === undefined ? {} : { request_id }),
  })
  sendPage(res, 403, page, ['https:', formActionSource(redirect_uri)])
}

function messageOf(standing: 'waiting' | 'denied', noted: boolean, client: string, org: string) {
  if (standing === 'denied')
    return {
      title: 'Your organization does not allow this application',
      what_happened: `${client} may not be connected for ${org}. Nothing was shared with it.`,
      what_to_do: 'If you need it, ask an administrator of your organization.',
    }
  return {
    title: 'An administrator has to approve this application',
    what_happened: noted
      ? `${client} is new to ${org}. Your request was noted for its administrators, and nothing was shared with the application.`
      : `${client} is new to ${org}. You have asked for many applications that wait for an answer, so this request was not noted.`,
    what_to_do:
      'Ask an administrator of your organization to approve it, then connect again from your AI application.',
  }
}

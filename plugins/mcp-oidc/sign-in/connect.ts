import type { Request, Response } from 'express'
import { writeChanges } from '../../../storage/changes.ts'
import { requestId } from '../audit.ts'
import { showConsent } from '../consent/show.ts'
import { decide } from '../consent/decide.ts'
import { bouncesOf } from './bounces.ts'
import { csrfHolds } from './browser.ts'
import { providerOfAddress } from './choose-provider.ts'
import { type Flow, tell } from './flow.ts'
import { type Interaction, ownInteraction } from './interaction.ts'
import { already_answered, form_not_ours, signInUnreachable } from './messages.ts'
import { showChoice } from './show-choice.ts'
import { browserHash } from './transactions.ts'
import { UpstreamError } from './upstream-error.ts'

/** GET /connect/:uid: names the client and offers the ways to sign in; after that, the consent page. */
export function showConnect(flow: Flow) {
  return async (req: Request, res: Response): Promise<void> => {
    const interaction = await ownInteraction(flow, req, res)
    if (!interaction) return
    if (interaction.answered) return tell(flow, req, res, 400, already_answered)
    const { sign_in } = req.query
    if (sign_in !== undefined) return showConsent(flow, req, res, interaction, sign_in)
    return showChoice(flow, res, interaction)
  }
}

/** POST /connect/:uid: a way to sign in was chosen, or the consent page was answered. */
export function answerConnect(flow: Flow) {
  return async (req: Request, res: Response): Promise<void> => {
    const interaction = await ownInteraction(flow, req, res)
    if (!interaction) return
    const form = (req.body ?? {}) as Readonly<Record<string, unknown>>
    const { sign_in } = req.query
    const shown = typeof sign_in === 'string' ? `${interaction.uid} ${sign_in}` : interaction.uid
    if (!csrfHolds(flow.settings.cookie_keys, interaction.browser, shown, form.csrf))
      return tell(flow, req, res, 403, form_not_ours)
    // The page was open twice and this copy came second: the first answer stands.
    if (interaction.answered) {
      await writeChanges(flow.store, { removed: [bouncesOf(flow, interaction)] })
      return res.redirect(303, interaction.return_to)
    }
    if (typeof sign_in === 'string') return decide(flow, req, res, interaction, sign_in, form)
    return choose(flow, req, res, interaction, form)
  }
}

/** A button was pressed, or an address typed, which leads to the provider of its domain. */
async function choose(
  flow: Flow,
  req: Request,
  res: Response,
  interaction: Interaction,
  { provider, email }: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (provider !== undefined || typeof email !== 'string')
    return signIn(flow, req, res, interaction, provider)
  const address = email.trim()
  const known = providerOfAddress(flow.settings.identity_providers, address)
  if (!known) return showChoice(flow, res, interaction, address)
  return signIn(flow, req, res, { ...interaction, login_hint: address }, known.id)
}

/** Choosing a provider is the approval to go on: only now is a `state` minted, for this browser. */
async function signIn(
  flow: Flow,
  req: Request,
  res: Response,
  interaction: Interaction,
  provider: unknown,
): Promise<void> {
  const upstream = typeof provider === 'string' ? flow.upstreams.get(provider) : undefined
  if (typeof provider !== 'string' || !upstream) return tell(flow, req, res, 400, form_not_ours)
  try {
    const { url, trip } = await upstream.start(interaction.login_hint)
    const { nonce, code_verifier } = trip
    const { uid, client_id } = interaction
    const browser = browserHash(interaction.browser)
    const transaction = { uid, client_id, idp: provider, nonce, code_verifier, browser }
    await writeChanges(flow.store, {
      written: [flow.transactions.trip(trip.state, transaction)],
      removed: [bouncesOf(flow, interaction)],
    })
    res.setHeader('cache-control', 'no-store')
    res.redirect(303, url)
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    flow.log.error(
      { err: error, idp: provider, request_id: requestId(req) },
      'identity provider cannot be asked',
    )
    await flow.audit(req, {
      type: 'sign_in',
      outcome: 'error',
      client_id: interaction.client_id,
      error_code: error.code,
      reason: `identity provider ${provider}`,
      idp: provider,
    })
    tell(flow, req, res, 503, signInUnreachable(upstream.name))
  }
}

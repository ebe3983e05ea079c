import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { createConnection } from '../../../storage/connections.ts'
import { connectionLifetime } from '../connections/lifetime.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import type { Interaction } from '../sign-in/interaction.ts'
import { expired, form_not_ours } from '../sign-in/messages.ts'
import type { PendingConsent } from '../sign-in/transactions.ts'
import { belongsTo } from './belongs-to.ts'

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
  { decision, org }: Form,
): Promise<void> {
  if (decision !== 'approve' && decision !== 'deny') return tell(flow, req, res, 400, form_not_ours)
  const pending = await flow.transactions.pendingConsent(sign_in)
  if (!pending || !belongsTo(pending, interaction)) return tell(flow, req, res, 400, expired)
  // A page with one org has no field for it.
  const org_id =
    org === undefined && pending.orgs.length === 1 ? pending.orgs[0] : offered(pending, org)
  if (decision === 'approve' && org_id === undefined)
    return tell(flow, req, res, 400, form_not_ours)
  const first = (await flow.transactions.takeConsent(sign_in)) !== undefined
  if (!first || !(await flow.transactions.answer(interaction.uid)))
    return tell(flow, req, res, 400, expired)
  const event = {
    type: 'consent',
    user_id: pending.user_id,
    email: pending.email,
    client_id: interaction.client_id,
  } as const
  if (decision === 'deny' || org_id === undefined) {
    await flow.audit(req, { ...event, outcome: 'refused', error_code: 'access_denied' })
    return finish(flow, req, res, {
      error: 'access_denied',
      error_description: 'The user did not approve the connection.',
    })
  }
  const connection_id = await connect(flow, interaction, pending, org_id)
  await flow.audit(req, { ...event, outcome: 'ok', org_id, connection_id })
  await finish(flow, req, res, {
    login: { accountId: pending.user_id, remember: false },
    consent: { grantId: connection_id },
    select_account: {},
  })
}

function offered({ orgs }: PendingConsent, org: unknown): string | undefined {
  return orgs.find(offer => offer === org)
}

/** One connection per approved authorization; its id is the grant's. */
async function connect(
  flow: Flow,
  interaction: Interaction,
  pending: PendingConsent,
  org_id: string,
): Promise<string> {
  const { provider, settings } = flow
  const expires_at = Math.floor(flow.now() / 1000) + connectionLifetime(settings, pending)
  const id = `con_${randomBytes(24).toString('base64url')}`
  await createConnection(flow.store, {
    id,
    user_id: pending.user_id,
    org_id,
    client_id: interaction.client_id,
    idp_id: pending.idp,
    expires_at: new Date(expires_at * 1000),
    profile: {
      email: pending.email,
      roles: pending.roles,
      idp_sub: pending.idp_sub,
      ...(pending.idp_sid === undefined ? {} : { idp_sid: pending.idp_sid }),
    },
    ...(pending.idp_refresh_token === undefined
      ? {}
      : { idp_refresh_token: pending.idp_refresh_token }),
  })
  const grant = new provider.Grant({ accountId: pending.user_id, clientId: interaction.client_id })
  grant.jti = id
  grant.exp = expires_at
  const granted = (names: readonly string[]) =>
    interaction.scopes.filter(scope => names.includes(scope)).join(' ')
  grant.addOIDCScope(granted(['openid', 'offline_access']))
  grant.addResourceScope(settings.resource, granted(settings.scopes.map(({ name }) => name)))
  await grant.save()
  return id
}

async function finish(flow: Flow, req: Request, res: Response, result: object): Promise<void> {
  const return_to = await flow.provider.interactionResult(
    req,
    res,
    { ...result },
    { mergeWithLastSubmission: false },
  )
  res.setHeader('cache-control', 'no-store')
  res.redirect(303, return_to)
}

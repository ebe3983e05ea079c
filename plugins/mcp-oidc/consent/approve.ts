import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { rememberApproval } from '../../../storage/approvals.ts'
import { createConnection } from '../../../storage/connections.ts'
import { lockOrgClient } from '../../../storage/org-clients.ts'
import { connectionLifetime } from '../connections/lifetime.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered } from '../sign-in/messages.ts'
import { approvalFor } from './approval.ts'
import { clientStanding } from './client-standing.ts'
import { refuse } from './deny.ts'
import { finish } from './finish.ts'
import { noteClient } from './note-client.ts'
import { grantableScopes } from './grantable-scopes.ts'
import { claim, type Shown } from './shown.ts'
import { turnAway, turned_away, type TurnedAway } from './turn-away.ts'

/** What was approved for which org, and where: on our page just now, there some time ago, or by a service. */
export type Approved =
  | { readonly org_id: string; readonly by: 'person'; readonly skips_consent: boolean }
  | { readonly org_id: string; readonly by: 'remembered' | 'external' }

/** Makes the connection and lets oidc-provider issue its code. */
export async function approve(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
  approved: Approved,
): Promise<void> {
  const { org_id } = approved
  const client = { org_id, client_id: shown.interaction.client_id }
  const standing = await clientStanding(flow.store.db, flow.settings, client)
  if (standing !== 'welcome') return turnAway(flow, req, res, shown, { org_id, standing })
  if (!(await claim(flow, shown))) return tell(flow, req, res, 400, already_answered)
  await noteClient(flow, shown.interaction)
  const made = await connect(flow, req, shown, approved)
  if ('turned_away' in made) return refuse(flow, req, res, shown, turned_away[made.turned_away])
  await finish(flow, req, res, {
    login: { accountId: shown.pending.user_id, remember: false },
    consent: { grantId: made.connection_id },
    select_account: {},
  })
}

/**
 * One connection per approved authorization; its id is the grant's. Connection, approval and the
 * record of them are one transaction.
 */
async function connect(
  flow: Flow,
  req: Request,
  shown: Shown,
  approved: Approved,
): Promise<{ readonly connection_id: string } | { readonly turned_away: TurnedAway }> {
  const { settings, store, provider } = flow
  const { interaction, pending } = shown
  const { user_id, email } = pending
  const { org_id, by } = approved
  const { client_id } = interaction
  const expires_at = Math.floor(flow.now() / 1000) + connectionLifetime(settings, pending)
  const id = `con_${randomBytes(24).toString('base64url')}`
  const announce = await store.db.transaction().execute(async db => {
    await lockOrgClient(db, { org_id, client_id }, 'shared')
    // Looked at once more: an administrator may have decided since.
    const standing = await clientStanding(db, settings, { org_id, client_id })
    if (standing !== 'welcome') return standing
    await createConnection(
      { ...store, db },
      {
        ...{ id, user_id, org_id, client_id },
        idp_id: pending.idp,
        expires_at: new Date(expires_at * 1000),
        profile: {
          email,
          roles: pending.roles,
          idp_sub: pending.idp_sub,
          ...(pending.idp_sid === undefined ? {} : { idp_sid: pending.idp_sid }),
        },
        ...(pending.idp_refresh_token === undefined
          ? {}
          : { idp_refresh_token: pending.idp_refresh_token }),
      },
    )
    const { key, scopes } = approvalFor(settings, shown, org_id)
    if (approved.by === 'person')
      await rememberApproval(db, key, { scopes, skips_consent: approved.skips_consent })
    return flow.audit.within(db, req, {
      type: 'consent',
      outcome: 'ok',
      ...{ user_id, email, client_id, org_id },
      connection_id: id,
      ...(by === 'person' ? {} : { reason: by }),
    })
  })
  if (typeof announce === 'string') return { turned_away: announce }
  announce()
  const grant = new provider.Grant({ accountId: user_id, clientId: client_id })
  grant.jti = id
  grant.exp = expires_at
  const { oidc, resource } = grantableScopes(settings, interaction.scopes)
  grant.addOIDCScope(oidc.join(' '))
  grant.addResourceScope(settings.resource, resource.join(' '))
  await grant.save()
  return { connection_id: id }
}

import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { rememberApproval } from '../../../storage/approvals.ts'
import { writeChanges } from '../../../storage/changes.ts'
import { noteClientName } from '../../../storage/client-names.ts'
import { createConnection } from '../../../storage/connections.ts'
import { lockOrgClient } from '../../../storage/org-clients.ts'
import { type Deferred, deferWrites } from '../authorization/deferred-writes.ts'
import { connectionLifetime } from '../connections/lifetime.ts'
import { bouncesOf } from '../sign-in/bounces.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { already_answered } from '../sign-in/messages.ts'
import { approvalFor } from './approval.ts'
import { clientStanding } from './client-standing.ts'
import { resultOf, sendOn } from './finish.ts'
import { grantableScopes } from './grantable-scopes.ts'
import { nameOfClient } from './name-of-client.ts'
import { claim, type Shown } from './shown.ts'
import { turnAway, type TurnedAway } from './turn-away.ts'

/** What was approved for which org, and where: on our page just now, there some time ago, or by a service. */
export type Approved =
  | { readonly org_id: string; readonly by: 'person'; readonly skips_consent: boolean }
  | { readonly org_id: string; readonly by: 'remembered' | 'external' }

/** Makes the connection, for which oidc-provider will issue a code. */
export async function approve(
  flow: Flow,
  req: Request,
  res: Response,
  shown: Shown,
  approved: Approved,
): Promise<void> {
  const connection = {
    id: `con_${randomBytes(24).toString('base64url')}`,
    expires_at: Math.floor(flow.now() / 1000) + connectionLifetime(flow.settings, shown.pending),
  }
  const { answer: return_to, changes } = await deferWrites(flow.store, async () => {
    await saveGrant(flow, shown, connection)
    return resultOf(flow, req, res, {
      login: { accountId: shown.pending.user_id, remember: false },
      consent: { grantId: connection.id },
      select_account: {},
    })
  })
  const made = await connect(flow, req, shown, { ...approved, connection, changes })
  if (made === 'answered') return tell(flow, req, res, 400, already_answered)
  if (made !== 'connected')
    return turnAway(flow, req, res, shown, { org_id: approved.org_id, standing: made })
  sendOn(res, return_to)
}

interface NewConnection {
  /** Also of its grant. */
  readonly id: string
  /** Seconds since the epoch. */
  readonly expires_at: number
}

async function saveGrant(
  { provider, settings }: Flow,
  { interaction, pending }: Shown,
  { id, expires_at }: NewConnection,
): Promise<void> {
  const grant = new provider.Grant({
    accountId: pending.user_id,
    clientId: interaction.client_id,
  })
  grant.jti = id
  grant.exp = expires_at
  const { oidc, resource } = grantableScopes(settings, interaction.scopes)
  grant.addOIDCScope(oidc.join(' '))
  grant.addResourceScope(settings.resource, resource.join(' '))
  await grant.save()
}

/**
 * One connection per approved authorization; its id is the grant's. The answer to the request, the
 * connection with its grant, the approval and the record of them are one transaction: a failure leaves
 * the page as it was. Nothing is answered where the org does not let its people connect this client.
 */
async function connect(
  flow: Flow,
  req: Request,
  shown: Shown,
  approved: Approved & { readonly connection: NewConnection; readonly changes: Deferred },
): Promise<'connected' | 'answered' | TurnedAway> {
  const { settings, store } = flow
  const { interaction, pending } = shown
  const { user_id, email } = pending
  const { changes, connection, org_id, by } = approved
  const { client_id } = interaction
  const { id } = connection
  const named = await nameOfClient(flow, interaction)
  const announce = await store.db.transaction().execute(async db => {
    await lockOrgClient(db, { org_id, client_id }, 'shared')
    const standing = await clientStanding(db, settings, { org_id, client_id })
    if (standing !== 'welcome') return standing
    if (!(await claim(flow, db, shown))) return 'answered'
    await createConnection(
      { ...store, db },
      {
        ...{ id, user_id, org_id, client_id },
        idp_id: pending.idp,
        expires_at: new Date(connection.expires_at * 1000),
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
    await noteClientName(db, named)
    await writeChanges(
      { db },
      {
        ...changes,
        removed: [...changes.removed, ...(by === 'person' ? [bouncesOf(flow, interaction)] : [])],
        // In use from here on.
        keeps: { client_id },
      },
    )
    return flow.audit.within(db, req, {
      type: 'consent',
      outcome: 'ok',
      ...{ user_id, email, client_id, org_id },
      connection_id: id,
      ...(by === 'person' ? {} : { reason: by }),
    })
  })
  if (typeof announce === 'string') return announce
  announce()
  return 'connected'
}

import { errors, Provider } from 'oidc-provider'
import {
  type ConnectionLease,
  findIdpStanding,
  LeaseLost,
  noteIdpAsked,
  noteIdpUnavailable,
  saveIdpToken,
  saveProfile,
} from '../../../../storage/connection-lease.ts'
import { type Connection, findConnection } from '../../../../storage/connections.ts'
import { findClientDecision } from '../../../../storage/org-clients.ts'
import type { Store } from '../../../../storage/store.ts'
import type { Settings } from '../../config/settings.ts'
import type { EndConnections } from '../../connections/end.ts'
import { checkWithIdp, type IdpVerdict, withoutAsking } from '../../connections/idp-check.ts'
import type { Log } from '../../log.ts'
import type { Upstream } from '../../sign-in/upstream.ts'
import { temporarilyUnavailable } from '../temporarily-unavailable.ts'
import { currentConnection, refreshing, type Refreshing } from './refreshing.ts'

/** What oidc-provider has of the refresh token, which it has found to be the client's own. */
export interface RedeemedToken {
  readonly grantId?: string | undefined
  readonly consumed?: unknown
}

export interface AdmissionParts {
  readonly settings: Pick<Settings, 'idp_outage_grace'>
  readonly store: Store
  /** By the id of the identity provider. */
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly end: EndConnections
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Whether a refresh token may be redeemed: its connection is active, and the identity provider has
 * nothing against it (requirement T05). Called once the client is authenticated and the token is
 * known to be its own; a token that was consumed is left to oidc-provider, which ends the connection
 * for the replay.
 *
 * The function it gives rejects with what the client is answered.
 */
export function admitRefreshes(parts: AdmissionParts): (token: RedeemedToken) => Promise<void> {
  return async ({ grantId, consumed }) => {
    const connection =
      grantId === undefined ? undefined : await currentConnection(parts.store, grantId)
    if (connection?.status !== 'active') throw connectionEnded()
    const refresh = refreshing.getStore()
    const decision = refresh?.state
      ? refresh.state.decision
      : await findClientDecision(parts.store.db, connection)
    if (decision === 'blocked') {
      await parts.end({ id: connection.id }, { reason: 'client_blocked', req: Provider.ctx?.req })
      throw connectionEnded()
    }
    if (consumed !== undefined || !refresh?.redeems) return
    const verdict = await hearIdentityProvider(parts, connection, refresh)
    if (verdict.kind === 'current') return
    if (verdict.kind === 'unavailable') throw identityProviderAway()
    const { reason, detail } = verdict
    await parts.end({ id: connection.id }, { reason, detail, req: Provider.ctx?.req })
    throw connectionEnded()
  }
}

/** Under a lease it may be asked. Without one, what it said moments ago still holds. */
async function hearIdentityProvider(
  parts: AdmissionParts,
  connection: Connection,
  refresh: Refreshing,
): Promise<IdpVerdict> {
  const { settings, now, upstreams } = parts
  const upstream = upstreams.get(connection.idp_id)
  if (!upstream)
    return {
      kind: 'ended',
      reason: 'idp_refused',
      detail: `identity provider ${connection.idp_id} is no longer configured`,
    }
  const { lease, state } = refresh
  if (lease === undefined) {
    if (state === undefined) throw new TypeError('a refresh without a lease began with no reading')
    return withoutAsking({ outage_grace: settings.idp_outage_grace, now }, state.idp)
  }
  // It may change what is known of the person, and takes long enough for anything else to change.
  delete refresh.state
  try {
    return await askIdentityProvider(parts, connection, { lease, upstream })
  } catch (error) {
    // What ends while the identity provider is asked loses its lease, and is no outage of ours.
    if (error instanceof LeaseLost && (await hasEnded(parts.store, connection.id)))
      throw connectionEnded()
    throw error
  }
}

async function hasEnded(store: Store, id: string): Promise<boolean> {
  return (await findConnection(store, id))?.status !== 'active'
}

async function askIdentityProvider(
  { settings, store, now, log }: AdmissionParts,
  connection: Connection,
  { lease, upstream }: { readonly lease: ConnectionLease; readonly upstream: Upstream },
): Promise<IdpVerdict> {
  const standing = await findIdpStanding(store, connection.id)
  if (!standing) throw connectionEnded()
  const save = {
    idpToken: (token: string) => saveIdpToken(store, lease, token),
    profile: (profile: Connection['profile']) => saveProfile(store, lease, profile),
    asked: () => noteIdpAsked(store, lease),
    unavailable: () => noteIdpUnavailable(store, lease),
  }
  const parts = { upstream, outage_grace: settings.idp_outage_grace, now, log, save }
  return checkWithIdp(parts, connection, standing)
}

function connectionEnded(): Error {
  return new errors.CustomOIDCProviderError(
    'invalid_grant',
    'The connection has ended. Connect again.',
  )
}

/** Nothing was consumed: the client may present the same token again. */
function identityProviderAway(): Error {
  return temporarilyUnavailable(
    'The company sign-in has not answered for too long to go on without it. Try again with the same refresh token.',
  )
}

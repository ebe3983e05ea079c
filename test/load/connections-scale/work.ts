import {
  type ConnectionLease,
  findIdpStanding,
  noteIdpAsked,
  releaseLease,
  takeLease,
} from '../../../storage/connection-lease.ts'
import { findConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { replaceRecord } from '../../../storage/records.ts'
import { readRefreshState } from '../../../storage/refresh-state.ts'
import type { Store } from '../../../storage/store.ts'
import { newId, type RealConnection, refreshPayload } from './fill.ts'

/** What the gateway asks of its database, with a connection of which there is one. */
export const work = { validate, refresh, revoke } as const

/** What the door does when its cache does not know a connection. */
async function validate(store: Store, { id }: RealConnection): Promise<void> {
  expect((await findConnection(store, id))?.status === 'active', 'no active connection was found')
}

/** A refresh that asks the identity provider, without its answer and without oidc-provider. */
async function refresh(store: Store, connection: RealConnection): Promise<void> {
  const { id, refresh_token } = connection
  const lease: ConnectionLease = { connection_id: id, holder: newId() }
  const state = await readRefreshState(store, refresh_token)
  expect(state?.connection()?.status === 'active', 'no token of an active connection is found')
  expect(await takeLease(store, lease, 4), 'nobody else can have the lease')
  await findConnection(store, id)
  expect((await findIdpStanding(store, id)) !== undefined, 'nothing is known of the provider')
  await noteIdpAsked(store, lease)
  const successor = {
    id: newId(),
    payload: refreshPayload(id),
    keys: { grant_id: id, expires_at: new Date(Date.now() + 86_400_000) },
  }
  const event = { type: 'refresh', outcome: 'ok', connection_id: id } as const
  const together = { connection_id: id, event }
  const replaced = await replaceRecord(store, 'RefreshToken', refresh_token, successor, together)
  expect(replaced, 'the token was consumed')
  connection.refresh_token = successor.id
  await releaseLease(store, lease)
}

async function revoke(store: Store, { id }: RealConnection): Promise<void> {
  expect(await endConnection(store, id, 'operator'), 'the connection had ended')
}

function expect(truth: boolean, otherwise: string): void {
  if (!truth) throw new Error(`the measurement is worth nothing: ${otherwise}`)
}

import {
  type ConnectionLease,
  findIdpStanding,
  noteIdpAsked,
  releaseLease,
  takeLease,
} from '../../../storage/connection-lease.ts'
import { findConnection, touchConnection } from '../../../storage/connections.ts'
import { endConnection } from '../../../storage/end-connections.ts'
import { findRecord, replaceRecord } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'
import { newId, type RealConnection, refreshPayload } from './fill.ts'

/** What the gateway asks of its database, with a connection of which there is one. */
export const work = { validate, refresh, revoke } as const

/** What the door does when its cache does not know a connection. */
async function validate(store: Store, { id }: RealConnection): Promise<void> {
  expect((await findConnection(store, id))?.status === 'active', 'no active connection was found')
}

/** A refresh, without what is asked of the identity provider and of oidc-provider. */
async function refresh(store: Store, connection: RealConnection): Promise<void> {
  const { id, refresh_token } = connection
  const lease: ConnectionLease = { connection_id: id, holder: newId() }
  expect(
    (await findRecord(store, 'RefreshToken', refresh_token)) !== undefined,
    'no token is found',
  )
  expect(await takeLease(store, lease, 4), 'nobody else can have the lease')
  await findConnection(store, id)
  expect((await findIdpStanding(store, id)) !== undefined, 'nothing is known of the provider')
  await noteIdpAsked(store, lease)
  const successor = {
    id: newId(),
    payload: refreshPayload(id),
    keys: { grant_id: id, expires_at: new Date(Date.now() + 86_400_000) },
  }
  const replaced = await replaceRecord(store, 'RefreshToken', refresh_token, successor)
  expect(replaced, 'the token was consumed')
  connection.refresh_token = successor.id
  await releaseLease(store, lease)
  await touchConnection(store, id)
}

async function revoke(store: Store, { id }: RealConnection): Promise<void> {
  expect(await endConnection(store, id, 'operator'), 'the connection had ended')
}

function expect(truth: boolean, otherwise: string): void {
  if (!truth) throw new Error(`the measurement is worth nothing: ${otherwise}`)
}

import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { endConnection } from '../../../storage/connections.ts'
import {
  consumeRecord,
  destroyRecord,
  findRecord,
  findRecordByUid,
  type StoredRecord,
  upsertRecord,
} from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'

/**
 * oidc-provider's storage. `consume` is one conditional update: of two simultaneous redemptions one
 * wins, and the other is the second use that ends what the first one issued (RFC 6749 4.1.2).
 * A grant is a connection, so revoking it ends the connection.
 */
export function createAdapter(store: Store): (model: string) => Adapter {
  return model => ({
    upsert: (id, payload) =>
      upsertRecord(store, model, id, payload, {
        ...(payload.grantId ? { grant_id: payload.grantId } : {}),
        ...(payload.uid ? { uid: payload.uid } : {}),
        ...(payload.exp ? { expires_at: new Date(payload.exp * 1000) } : {}),
      }),
    find: async id => asPayload(await findRecord(store, model, id)),
    findByUid: async uid => asPayload(await findRecordByUid(store, model, uid)),
    // The device flow is not served.
    findByUserCode: () => Promise.resolve(undefined),
    consume: async id => {
      if (await consumeRecord(store, model, id)) return
      const grant_id = (await findRecord(store, model, id))?.payload.grantId
      if (model === 'AuthorizationCode' && typeof grant_id === 'string')
        await endConnection(store, grant_id, 'authorization_code_reused')
      throw new errors.InvalidGrant(`${model} already consumed`)
    },
    destroy: id => destroyRecord(store, model, id),
    revokeByGrantId: async grant_id => {
      await endConnection(store, grant_id, 'revoked')
    },
  })
}

function asPayload(record: StoredRecord | undefined): AdapterPayload | undefined {
  if (!record) return undefined
  const consumed = record.consumed_at && Math.floor(record.consumed_at.getTime() / 1000)
  return { ...record.payload, ...(consumed ? { consumed } : {}) }
}

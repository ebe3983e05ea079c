import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider'
import type { RecordKeys, StoredRecord } from '../../../storage/record-row.ts'
import {
  addRecordOnce,
  consumeRecord,
  destroyRecord,
  findRecord,
  findRecordByUid,
  upsertRecord,
} from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'
import type { EndConnections } from '../connections/end.ts'
import { findPageRecord } from '../sign-in/page-records.ts'
import type { Clients } from './clients/clients.ts'
import { currentDeferral } from './deferred-writes.ts'
import { currentRecord, refreshing } from './refresh/refreshing.ts'

/**
 * oidc-provider's storage. `consume` is one conditional update: of two simultaneous redemptions one
 * wins, and the other is the second use that ends what the first one issued (RFC 6749 4.1.2).
 * A refresh token is consumed when its successor is written, and that once there is an answer to give:
 * no failure leaves one without the other. A grant is a connection, so revoking it ends the connection.
 * Where a request defers its writes, nothing but what is used once is written here.
 */
export function createAdapter(
  store: Store,
  end: EndConnections,
  clients: Pick<Clients, 'find' | 'save'>,
): (model: string) => Adapter {
  return model => ({
    upsert: async (id, payload) => {
      if (model === 'Client') return clients.save(id, payload)
      const keys = keysOf(payload)
      if (model === 'ReplayDetection') return useOnce(store, id, keys)
      const deferral = currentDeferral()
      if (deferral) return deferral.save(model, id, payload, keys)
      const refresh = model === 'RefreshToken' ? refreshing.getStore() : undefined
      if (refresh?.replaces === undefined) return upsertRecord(store, model, id, payload, keys)
      // Written when there is an answer: until then the client may present its token again.
      refresh.outcome = { replaces: refresh.replaces, successor: { id, payload, keys } }
    },
    find: async id => {
      if (model === 'Client') return clients.find(id)
      const deferred = currentDeferral()?.find(model, id)
      if (deferred) return asPayload(deferred.record)
      if (model === 'Interaction') return asPayload(await findPageRecord(store, model, id))
      return asPayload(await currentRecord(store, model, id))
    },
    findByUid: async uid => asPayload(await findRecordByUid(store, model, uid)),
    // The device flow is not served.
    findByUserCode: () => Promise.resolve(undefined),
    consume: async id => {
      const refresh = model === 'RefreshToken' ? refreshing.getStore() : undefined
      if (refresh) {
        refresh.replaces = id
        return
      }
      if (await consumeRecord(store, model, id)) return
      const grant_id = (await findRecord(store, model, id))?.payload.grantId
      if (model === 'AuthorizationCode' && typeof grant_id === 'string')
        await end({ id: grant_id }, { reason: 'authorization_code_reused', req: Provider.ctx?.req })
      throw new errors.InvalidGrant(`${model} already consumed`)
    },
    destroy: async id => {
      const deferral = currentDeferral()
      if (deferral) return deferral.remove(model, id)
      await destroyRecord(store, model, id)
    },
    revokeByGrantId: async grant_id => {
      // At /token it is the answer to a replay, at /revoke the client's own wish.
      const { oidc, req } = Provider.ctx ?? {}
      const reason = oidc?.route === 'token' ? 'refresh_token_reused' : 'client_revoked'
      await end({ id: grant_id }, { reason, req })
    },
  })
}

/** oidc-provider looks first and writes then; of two uses at the same moment one is refused here. */
async function useOnce(store: Store, id: string, { expires_at }: RecordKeys): Promise<void> {
  if (!expires_at || !(await addRecordOnce(store, 'ReplayDetection', id, expires_at)))
    throw new errors.InvalidClientAuth('client assertion tokens must only be used once')
}

function keysOf(payload: AdapterPayload): RecordKeys {
  return {
    ...(payload.grantId ? { grant_id: payload.grantId } : {}),
    ...(payload.uid ? { uid: payload.uid } : {}),
    ...(payload.kind === 'Session' && payload.accountId ? { user_id: payload.accountId } : {}),
    ...(payload.exp ? { expires_at: new Date(payload.exp * 1000) } : {}),
  }
}

function asPayload(record: StoredRecord | undefined): AdapterPayload | undefined {
  if (!record) return undefined
  const consumed = record.consumed_at && Math.floor(record.consumed_at.getTime() / 1000)
  return { ...record.payload, ...(consumed ? { consumed } : {}) }
}

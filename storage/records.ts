import { sql } from 'kysely'
import { idHash } from './digest.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'

export interface StoredRecord {
  readonly payload: Record<string, unknown>
  readonly consumed_at: Date | undefined
}

export interface RecordKeys {
  readonly grant_id?: string
  readonly uid?: string
  readonly expires_at?: Date
}

interface Row {
  readonly id_hash: Buffer
  readonly payload: Buffer
  readonly consumed_at: Date | null
}

const columns = ['id_hash', 'payload', 'consumed_at'] as const
const alive = sql<boolean>`(expires_at is null or expires_at > now())`

/**
 * Writes a record, or writes it again. `consumed_at` stays as it is: what was used once does not
 * become new by being saved.
 */
export async function upsertRecord(
  { db, ring }: Store,
  model: string,
  id: string,
  payload: Record<string, unknown>,
  keys: RecordKeys,
): Promise<void> {
  const id_hash = idHash(id)
  const contents = {
    payload: seal(ring, rowName(model, id_hash), payload),
    uid_hash: keys.uid === undefined ? null : idHash(keys.uid),
    grant_id: keys.grant_id ?? null,
    expires_at: keys.expires_at ?? null,
  }
  await db
    .insertInto('oidc_records')
    .values({ model, id_hash, ...contents })
    .onConflict(conflict => conflict.columns(['model', 'id_hash']).doUpdateSet(contents))
    .execute()
}

/** An expired record is not found. Rejects with SealError when the payload does not open. */
export async function findRecord(
  store: Store,
  model: string,
  id: string,
): Promise<StoredRecord | undefined> {
  const row = await store.db
    .selectFrom('oidc_records')
    .select(columns)
    .where('model', '=', model)
    .where('id_hash', '=', idHash(id))
    .where(alive)
    .executeTakeFirst()
  return row && openRecord(store, model, row)
}

/** As {@link findRecord}, by the uid it was written with. */
export async function findRecordByUid(
  store: Store,
  model: string,
  uid: string,
): Promise<StoredRecord | undefined> {
  const row = await store.db
    .selectFrom('oidc_records')
    .select(columns)
    .where('model', '=', model)
    .where('uid_hash', '=', idHash(uid))
    .where(alive)
    .executeTakeFirst()
  return row && openRecord(store, model, row)
}

/** True for exactly one caller, however many ask at once: the condition and the write are one. */
export async function consumeRecord({ db }: Store, model: string, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('oidc_records')
    .set({ consumed_at: sql<Date>`now()` })
    .where('model', '=', model)
    .where('id_hash', '=', idHash(id))
    .where('consumed_at', 'is', null)
    .where(alive)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

/** Finds and deletes at once, so one caller only gets it. A record that does not open stays. */
export function takeRecord(
  store: Store,
  model: string,
  id: string,
): Promise<StoredRecord | undefined> {
  return store.db.transaction().execute(async transaction => {
    const row = await transaction
      .deleteFrom('oidc_records')
      .where('model', '=', model)
      .where('id_hash', '=', idHash(id))
      .where(alive)
      .returning(columns)
      .executeTakeFirst()
    return row && openRecord(store, model, row)
  })
}

export async function destroyRecord({ db }: Store, model: string, id: string): Promise<void> {
  await db
    .deleteFrom('oidc_records')
    .where('model', '=', model)
    .where('id_hash', '=', idHash(id))
    .execute()
}

/** Deletes everything issued under a grant; the grant's own record is `destroyRecord`'s. */
export async function destroyRecordsOfGrant({ db }: Store, grant_id: string): Promise<void> {
  await db.deleteFrom('oidc_records').where('grant_id', '=', grant_id).execute()
}

function openRecord({ ring }: Store, model: string, row: Row): StoredRecord {
  const name = rowName(model, row.id_hash)
  const payload = unseal(ring, name, row.payload)
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new SealError('malformed', `${name} does not hold an object`)
  return {
    payload: payload as Record<string, unknown>,
    consumed_at: row.consumed_at ?? undefined,
  }
}

const rowName = (model: string, id_hash: Buffer) =>
  `oidc_records/${model}/${id_hash.toString('hex')}`

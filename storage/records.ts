import { sql } from 'kysely'
import { idHash } from './digest.ts'
import type { KeyRing } from './key-ring.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'

export interface StoredRecord {
  readonly payload: Record<string, unknown>
  readonly consumed_at: Date | undefined
  /** The id of the record that took its place when it was consumed, if one did. */
  readonly successor: string | undefined
}

export interface RecordKeys {
  /** Whose it is, to find a user's browser sessions by. */
  readonly user_id?: string
  readonly grant_id?: string
  readonly uid?: string
  readonly expires_at?: Date
}

interface Row {
  readonly id_hash: Buffer
  readonly payload: Buffer
  readonly consumed_at: Date | null
  readonly successor: Buffer | null
}

const columns = ['id_hash', 'payload', 'consumed_at', 'successor'] as const
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
    payload: seal(ring, recordName(model, id_hash), payload),
    uid_hash: keys.uid === undefined ? null : idHash(keys.uid),
    grant_id: keys.grant_id ?? null,
    expires_at: keys.expires_at ?? null,
    user_id: keys.user_id ?? null,
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

/** A record that is to take another's place. */
export interface Successor {
  readonly id: string
  readonly payload: Record<string, unknown>
  readonly keys: RecordKeys
}

/**
 * Consumes a record and writes its successor: both or none, and for exactly one caller. False when
 * the record was consumed before. The consumed record remembers, sealed, who took its place.
 */
export function replaceRecord(
  store: Store,
  model: string,
  id: string,
  successor: Successor,
): Promise<boolean> {
  const id_hash = idHash(id)
  return store.db.transaction().execute(async db => {
    const { numUpdatedRows } = await db
      .updateTable('oidc_records')
      .set({
        consumed_at: sql<Date>`now()`,
        successor: seal(store.ring, successorName(model, id_hash), successor.id),
      })
      .where('model', '=', model)
      .where('id_hash', '=', id_hash)
      .where('consumed_at', 'is', null)
      .where(alive)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows !== 1n) return false
    await upsertRecord({ ...store, db }, model, successor.id, successor.payload, successor.keys)
    return true
  })
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

/** True for exactly one caller: notes an id that must never be used twice while it is remembered. */
export async function addRecordOnce(
  { db, ring }: Store,
  model: string,
  id: string,
  expires_at: Date,
): Promise<boolean> {
  const id_hash = idHash(id)
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('oidc_records')
    .values({ model, id_hash, payload: seal(ring, recordName(model, id_hash), {}), expires_at })
    .onConflict(conflict => conflict.columns(['model', 'id_hash']).doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

function openRecord({ ring }: Store, model: string, row: Row): StoredRecord {
  const name = recordName(model, row.id_hash)
  const payload = unseal(ring, name, row.payload)
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new SealError('malformed', `${name} does not hold an object`)
  return {
    payload: payload as Record<string, unknown>,
    consumed_at: row.consumed_at ?? undefined,
    successor:
      row.successor === null ? undefined : openSuccessor(ring, model, row.id_hash, row.successor),
  }
}

function openSuccessor(ring: KeyRing, model: string, id_hash: Buffer, sealed: Buffer): string {
  const name = successorName(model, id_hash)
  const successor = unseal(ring, name, sealed)
  if (typeof successor !== 'string') throw new SealError('malformed', `${name} does not hold an id`)
  return successor
}

/** What a record's payload is sealed for. */
export const recordName = (model: string, id_hash: Buffer) =>
  `oidc_records/${model}/${id_hash.toString('hex')}`
/** What the name of its successor is sealed for. */
export const successorName = (model: string, id_hash: Buffer) =>
  `${recordName(model, id_hash)}/successor`

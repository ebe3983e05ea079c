import { sql } from 'kysely'
import { auditEventsJson, insertAuditEvents } from './audit.ts'
import type { AuditEvent } from './audit-event.ts'
import { idHash } from './digest.ts'
import { prepare } from './prepared.ts'
import {
  alive,
  openRecord,
  record_columns,
  recordName,
  type RecordKeys,
  sealRecord,
  type StoredRecord,
  successorName,
} from './record-row.ts'
import { seal } from './seal.ts'
import type { Store } from './store.ts'

const upsert = prepare(
  (
    db,
    model: string,
    id_hash: Buffer,
    payload: Buffer,
    uid_hash: Buffer | null,
    grant_id: string | null,
    expires_at: Date | null,
    user_id: string | null,
  ) => {
    const contents = { payload, uid_hash, grant_id, expires_at, user_id }
    return db
      .insertInto('oidc_records')
      .values({ model, id_hash, ...contents })
      .onConflict(conflict => conflict.columns(['model', 'id_hash']).doUpdateSet(contents))
      .compile()
  },
)

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
  await upsert(db, ...sealRecord({ ring }, model, id, payload, keys))
}

const find = prepare((db, model: string, id_hash: Buffer) =>
  db
    .selectFrom('oidc_records')
    .select(record_columns)
    .where('model', '=', model)
    .where('id_hash', '=', id_hash)
    .where(alive)
    .compile(),
)

/** An expired record is not found. Rejects with SealError when the payload does not open. */
export async function findRecord(
  store: Store,
  model: string,
  id: string,
): Promise<StoredRecord | undefined> {
  const [row] = (await find(store.db, model, idHash(id))).rows
  return row && openRecord(store, model, row)
}

const findAll = prepare((db, models: readonly string[], id_hash: Buffer) =>
  db
    .selectFrom('oidc_records')
    .select(['model', ...record_columns])
    .where('model', '=', sql<string>`any(${models})`)
    .where('id_hash', '=', id_hash)
    .where(alive)
    .compile(),
)

/** As {@link findRecord}, of several models that share an id: those there are, by model. */
export async function findRecords(
  store: Store,
  models: readonly string[],
  id: string,
): Promise<ReadonlyMap<string, StoredRecord>> {
  const { rows } = await findAll(store.db, models, idHash(id))
  return new Map(rows.map(row => [row.model, openRecord(store, row.model, row)]))
}

const findByUid = prepare((db, model: string, uid_hash: Buffer) =>
  db
    .selectFrom('oidc_records')
    .select(record_columns)
    .where('model', '=', model)
    .where('uid_hash', '=', uid_hash)
    .where(alive)
    .compile(),
)

/** As {@link findRecord}, by the uid it was written with. */
export async function findRecordByUid(
  store: Store,
  model: string,
  uid: string,
): Promise<StoredRecord | undefined> {
  const [row] = (await findByUid(store.db, model, idHash(uid))).rows
  return row && openRecord(store, model, row)
}

const consume = prepare((db, model: string, id_hash: Buffer) =>
  db
    .updateTable('oidc_records')
    .set({ consumed_at: sql<Date>`now()` })
    .where('model', '=', model)
    .where('id_hash', '=', id_hash)
    .where('consumed_at', 'is', null)
    .where(alive)
    .compile(),
)

/** True for exactly one caller, however many ask at once: the condition and the write are one. */
export async function consumeRecord({ db }: Store, model: string, id: string): Promise<boolean> {
  return (await consume(db, model, idHash(id))).numAffectedRows === 1n
}

/** A record that is to take another's place. */
export interface Successor {
  readonly id: string
  readonly payload: Record<string, unknown>
  readonly keys: RecordKeys
}

/** What is written together with a successor, or not at all. */
export interface Replacing {
  /** Counts as used now. When it is not active any more, nothing is replaced. */
  readonly connection_id: string
  readonly event: AuditEvent
}

const replace = prepare(
  (
    db,
    replaced: Buffer,
    named: Buffer,
    connection_id: string | null,
    events: string,
    model: string,
    id_hash: Buffer,
    payload: Buffer,
    uid_hash: Buffer | null,
    grant_id: string | null,
    expires_at: Date | null,
    user_id: string | null,
  ) =>
    sql<{ used: number }>`
      with connection as (
        update connections set last_used_at = now()
        where id = ${connection_id} and status = 'active' and expires_at > now()
        returning id
      ), used as (
        update oidc_records set consumed_at = now(), successor = ${named}
        where model = ${model} and id_hash = ${replaced} and consumed_at is null and ${alive}
          and (${connection_id}::text is null or exists (select from connection))
        returning true
      ), added as (
        insert into oidc_records
          (model, id_hash, payload, uid_hash, grant_id, expires_at, user_id)
        select ${model}, ${id_hash}, ${payload}, ${uid_hash}, ${grant_id}, ${expires_at}, ${user_id}
        from used
      ), told as (${insertAuditEvents(events, sql`where exists (select from used)`)})
      select count(*)::int as used from used`.compile(db),
)

/**
 * Consumes a record and writes its successor: both or none, and for exactly one caller. False when
 * the record was consumed before. The consumed record remembers, sealed, who took its place. One
 * statement, so one round trip and one wait for the disk.
 */
export async function replaceRecord(
  { db, ring }: Store,
  model: string,
  id: string,
  { id: next, payload, keys }: Successor,
  together?: Replacing,
): Promise<boolean> {
  const replaced = idHash(id)
  const named = seal(ring, successorName(model, replaced), next)
  const events = auditEventsJson(together ? [together.event] : [])
  const row = sealRecord({ ring }, model, next, payload, keys)
  const { rows } = await replace(
    db,
    ...([replaced, named, together?.connection_id ?? null, events, ...row] as const),
  )
  return rows[0]?.used === 1
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
      .returning(record_columns)
      .executeTakeFirst()
    return row && openRecord(store, model, row)
  })
}

const destroy = prepare((db, model: string, id_hash: Buffer) =>
  db.deleteFrom('oidc_records').where('model', '=', model).where('id_hash', '=', id_hash).compile(),
)

export async function destroyRecord({ db }: Store, model: string, id: string): Promise<void> {
  await destroy(db, model, idHash(id))
}

const addOnce = prepare((db, model: string, id_hash: Buffer, payload: Buffer, expires_at: Date) =>
  db
    .insertInto('oidc_records')
    .values({ model, id_hash, payload, expires_at })
    .onConflict(conflict => conflict.columns(['model', 'id_hash']).doNothing())
    .compile(),
)

/** True for exactly one caller: notes an id that must never be used twice while it is remembered. */
export async function addRecordOnce(
  { db, ring }: Store,
  model: string,
  id: string,
  expires_at: Date,
): Promise<boolean> {
  const id_hash = idHash(id)
  const payload = seal(ring, recordName(model, id_hash), {})
  return (await addOnce(db, model, id_hash, payload, expires_at)).numAffectedRows === 1n
}

import { sql } from 'kysely'
import type { Database } from './database.ts'
import { auditEventsJson, insertAuditEvents } from './audit.ts'
import type { AuditEvent } from './audit-event.ts'
import { idHash } from './digest.ts'
import { prepare } from './prepared.ts'
import {
  alive,
  openRecord,
  record_columns,
  type RecordName,
  recordName,
  type RecordKeys,
  type RecordRow,
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

const findAll = prepare((db, models: readonly string[], id_hashes: readonly Buffer[]) =>
  sql<RecordRow & { readonly nth: number }>`
    select nth::int, id_hash, payload, consumed_at, successor
    from unnest(${models}::text[], ${id_hashes}::bytea[]) with ordinality as named (model, id_hash, nth)
    join oidc_records using (model, id_hash)
    where ${alive}`.compile(db),
)

/** As {@link findRecord}, of several: what there is of each, in their order. */
export async function findRecords(
  store: Store,
  names: readonly RecordName[],
): Promise<readonly (StoredRecord | undefined)[]> {
  const models = names.map(({ model }) => model)
  const id_hashes = names.map(({ id }) => idHash(id))
  const { rows } = await findAll(store.db, models, id_hashes)
  return names.map(({ model }, index) => {
    const row = rows.find(({ nth }) => nth === index + 1)
    return row && openRecord(store, model, row)
  })
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

const consumeBoth = prepare(
  (db, model: string, id_hash: Buffer, with_model: string, with_hash: Buffer) =>
    sql`
      with consumed as (
        update oidc_records set consumed_at = now()
        where model = ${model} and id_hash = ${id_hash} and consumed_at is null and ${alive}
          and exists (select from oidc_records
            where model = ${with_model} and id_hash = ${with_hash} and ${alive})
        returning true
      ), gone as (
        delete from oidc_records
        where model = ${with_model} and id_hash = ${with_hash} and exists (select from consumed)
      )
      select from consumed`.compile(db),
)

/** Consumes a record and deletes another one: both or none, and for exactly one caller. */
export async function consumeTogether(
  db: Database,
  { model, id }: RecordName,
  deleted: RecordName,
): Promise<boolean> {
  const { rows } = await consumeBoth(db, model, idHash(id), deleted.model, idHash(deleted.id))
  return rows.length === 1
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

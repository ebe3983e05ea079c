import { type RawBuilder, sql } from 'kysely'
import { auditEventsJson, insertAuditEvents } from './audit.ts'
import type { AuditEvent } from './audit-event.ts'
import { idHash } from './digest.ts'
import { prepare } from './prepared.ts'
import type { RecordName, SealedRecord } from './record-row.ts'
import type { Store } from './store.ts'

/** What a request leaves behind in the database. */
export interface Changes {
  /** Noted for one caller only. Whoever comes second writes nothing of all this. */
  readonly once?: SealedRecord
  /** Each of another name. A record that was consumed stays so when it is written again. */
  readonly written?: readonly SealedRecord[]
  readonly removed?: readonly RecordName[]
  /** A registered client that was never used lives so many seconds more at least; without a number, it stays. */
  readonly keeps?: { readonly client_id: string; readonly seconds?: number }
  readonly events?: readonly AuditEvent[]
}

/** Rows of oidc_records, however many, by one parameter. */
const rowsIn = (json: string): RawBuilder<unknown> => sql`
  insert into oidc_records (model, id_hash, payload, uid_hash, grant_id, expires_at, user_id)
  select model, id_hash, payload, uid_hash, grant_id, expires_at, user_id
  from json_to_recordset(${json}::json) as given (model text, id_hash bytea, payload bytea,
    uid_hash bytea, grant_id text, expires_at timestamptz, user_id text)`

const write = prepare(
  (
    db,
    once: string,
    written: string,
    models: readonly string[],
    id_hashes: readonly Buffer[],
    kept: Buffer | null,
    seconds: number | null,
    events: string,
  ) =>
    sql<{ first: boolean }>`
      with noted as (
        ${rowsIn(once)}
        on conflict (model, id_hash) do nothing
        returning true
      ), turn as (
        select where json_array_length(${once}::json) = 0 or exists (select from noted)
      ), gone as (
        delete from oidc_records
        using turn, unnest(${models}::text[], ${id_hashes}::bytea[]) as given (model, id_hash)
        where oidc_records.model = given.model and oidc_records.id_hash = given.id_hash
      ), kept as (
        update oidc_records set expires_at = now() + make_interval(secs => ${seconds})
        from turn
        where model = 'Client' and id_hash = ${kept} and expires_at > now()
          and (${seconds}::double precision is null
            or expires_at < now() + make_interval(secs => ${seconds}))
      ), put as (
        ${rowsIn(written)} where exists (select from turn)
        on conflict (model, id_hash) do update set payload = excluded.payload,
          uid_hash = excluded.uid_hash, grant_id = excluded.grant_id,
          expires_at = excluded.expires_at, user_id = excluded.user_id
      ), told as (${insertAuditEvents(events, sql`where exists (select from turn)`)})
      select exists (select from turn) as first`.compile(db),
)

/**
 * Writes all of it or nothing, by one statement: one round trip, and one wait for the disk. False
 * when somebody else noted `once` before.
 */
export async function writeChanges(
  { db }: Pick<Store, 'db'>,
  { events = [], keeps, once, removed = [], written = [] }: Changes,
): Promise<boolean> {
  if (!once && !keeps && written.length + removed.length + events.length === 0) return true
  const { rows } = await write(
    db,
    rowsJson(once ? [once] : []),
    rowsJson(written),
    removed.map(({ model }) => model),
    removed.map(({ id }) => idHash(id)),
    keeps ? idHash(keeps.client_id) : null,
    keeps?.seconds ?? null,
    auditEventsJson(events),
  )
  return rows[0]?.first === true
}

function rowsJson(rows: readonly SealedRecord[]): string {
  return JSON.stringify(
    rows.map(([model, id_hash, payload, uid_hash, grant_id, expires_at, user_id]) => ({
      model,
      id_hash: hex(id_hash),
      payload: hex(payload),
      uid_hash: uid_hash && hex(uid_hash),
      ...{ grant_id, expires_at, user_id },
    })),
  )
}

/** As PostgreSQL reads a bytea. */
const hex = (bytes: Buffer) => `\\x${bytes.toString('hex')}`

import { sql } from 'kysely'
import { audit_event_columns, insertAuditEventsFrom } from './audit.ts'
import { auditRow } from './audit-row.ts'
import type { Database } from './database.ts'
import { idHash } from './digest.ts'
import { type Asked, gather, type Gathering } from './gather.ts'
import { prepare } from './prepared.ts'
import { alive, sealRecord, successorName } from './record-row.ts'
import { replaceRecord, type Replacing, type Successor } from './records.ts'
import { isRefusedRow } from './refused-row.ts'
import { seal } from './seal.ts'
import type { Store } from './store.ts'

const model = 'RefreshToken'

/**
 * Each row is locked before it is written, and one that somebody else has locked is left out: so no
 * rotation waits for what happens to the connection of another one, and two of these statements never
 * wait for each other. The lists say to the planner how few rows there are; it cannot know of JSON.
 */
const rotate = prepare((db, rotations: string) =>
  sql<{ nth: number }>`
    with asked as materialized (
      select nth, connection_id, event, grant_id, user_id, expires_at, decode(replaced, 'hex') as replaced,
        decode(named, 'hex') as named, decode(id_hash, 'hex') as id_hash,
        decode(payload, 'hex') as payload, decode(uid_hash, 'hex') as uid_hash
      from json_to_recordset(${rotations}::json) as asked (
        nth integer, connection_id text, event json, grant_id text, user_id text,
        expires_at timestamptz, replaced text, named text, id_hash text, payload text,
        uid_hash text)
    ), ready as materialized (
      select distinct on (asked.replaced) asked.*
      from asked
      cross join lateral (
        select from connections
        where id = asked.connection_id and status = 'active' and expires_at > now()
        for no key update skip locked
      ) as connection
      cross join lateral (
        select from oidc_records
        where model = ${model} and id_hash = asked.replaced and consumed_at is null and ${alive}
        for no key update skip locked
      ) as token
    ), used as (
      update oidc_records as token set consumed_at = now(), successor = ready.named
      from ready
      where token.model = ${model} and token.id_hash = any(array(select replaced from ready))
        and token.id_hash = ready.replaced and token.consumed_at is null
      returning ready.*
    ), touched as (
      update connections set last_used_at = now()
      from used
      where id = any(array(select connection_id from ready)) and id = used.connection_id
    ), added as (
      insert into oidc_records (model, id_hash, payload, uid_hash, grant_id, expires_at, user_id)
      select ${model}, id_hash, payload, uid_hash, grant_id, expires_at, user_id from used
    ), told as (${insertAuditEventsFrom(
      sql`used cross join lateral json_to_record(used.event) as event (${audit_event_columns})`,
    )})
    select nth from used`.compile(db),
)

interface Rotation {
  readonly store: Store
  readonly replaced: string
  readonly successor: Successor
  readonly together: Replacing
  /** The hash of the token that is replaced, hexadecimal. */
  readonly hash: string
  /** As {@link rotate} takes it, but for its number. */
  readonly row: object
}

/**
 * Consumes a refresh token and writes its successor, as {@link replaceRecord} does: both or none, with
 * the event and the use of the connection, and for exactly one caller. False when the token was
 * consumed before, or the connection has ended.
 *
 * Those that come while one statement is on its way to the disk share the next one. Each stands for
 * itself there: one that is refused, or has to wait for a row, is tried again alone. Rejects with
 * nothing consumed when PostgreSQL says that it failed; when the connection to it was lost, nobody
 * knows, and whoever presents the token again learns how it went.
 */
export async function rotateRefreshToken(
  store: Store,
  token: string,
  successor: Successor,
  together: Replacing,
): Promise<boolean> {
  return rotationsOf(store.db).ask(prepareRotation(store, token, successor, together))
}

function prepareRotation(
  store: Store,
  replaced: string,
  successor: Successor,
  together: Replacing,
): Rotation {
  const replaced_hash = idHash(replaced)
  const { id, payload, keys } = successor
  const [, id_hash, sealed, uid_hash, grant_id, expires_at, user_id] = sealRecord(
    ...([store, model, id, payload, keys] as const),
  )
  const hash = replaced_hash.toString('hex')
  const row = {
    connection_id: together.connection_id,
    event: auditRow(together.event),
    ...{ grant_id, user_id },
    // JSON would make null of what is no time, and a token without an end; this throws.
    expires_at: expires_at?.toISOString() ?? null,
    replaced: hash,
    named: seal(store.ring, successorName(model, replaced_hash), id).toString('hex'),
    id_hash: id_hash.toString('hex'),
    payload: sealed.toString('hex'),
    uid_hash: uid_hash?.toString('hex') ?? null,
  }
  return { store, replaced, successor, together, hash, row }
}

/** Rotations under way in one database. */
const rotations = new WeakMap<Database, Gathering<Rotation, boolean>>()

function rotationsOf(db: Database): Gathering<Rotation, boolean> {
  const known = rotations.get(db)
  if (known) return known
  const made = gather<Rotation, boolean>({
    work: batch => rotateAll(db, batch),
    most_at_once: 64,
    most_waiting: 1_000,
    tooMany: waiting => new Error(`${waiting} refreshes wait to be written already`),
  })
  rotations.set(db, made)
  return made
}

async function rotateAll(db: Database, batch: readonly Asked<Rotation, boolean>[]): Promise<void> {
  const rotated = await rotatedOf(db, batch)
  const consumed = new Set([...rotated].map(index => batch[index]?.item.hash))
  for (const [index, { item, answer }] of batch.entries()) {
    if (rotated.has(index)) answer(true)
    else if (consumed.has(item.hash)) answer(false)
    else answer(alone(item))
  }
}

/** The places of those that were rotated; of the others nothing is known. */
async function rotatedOf(
  db: Database,
  batch: readonly Asked<Rotation, boolean>[],
): Promise<ReadonlySet<number>> {
  const asked = batch.map(({ item }, nth) => ({ nth, ...item.row }))
  try {
    const { rows } = await rotate(db, JSON.stringify(asked))
    return new Set(rows.map(({ nth }) => nth))
  } catch (error) {
    if (!isRefusedRow(error)) throw error
    return new Set()
  }
}

function alone({ store, replaced, successor, together }: Rotation): Promise<boolean> {
  return replaceRecord(store, model, replaced, successor, together)
}

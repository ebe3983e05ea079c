import { type Kysely, sql } from 'kysely'
import {
  type Connection,
  connection_columns,
  type ConnectionRow,
  openConnection,
} from './connections.ts'
import type { Database } from './database.ts'
import { idHash } from './digest.ts'
import { gather, type Gathering } from './gather.ts'
import type { ClientDecision } from './org-clients.ts'
import { prepare } from './prepared.ts'
import {
  alive,
  openRecord,
  record_columns,
  type RecordRow,
  type StoredRecord,
} from './record-row.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

/** All that there is to know when a refresh token comes, as it was at one moment. */
export interface RefreshState {
  /** Of the refresh token. */
  readonly token: StoredRecord
  /** Whether somebody is refreshing its connection under a lease. */
  readonly leased: boolean
  /** What the org of the connection has decided about its client. */
  readonly decision: ClientDecision | undefined
  readonly idp: {
    /** Whether there is a refresh token of the identity provider to ask with. */
    readonly can_be_asked: boolean
    /** When it was last asked whether the person still has access, the sign-in included. */
    readonly asked_at: Date | undefined
    /** Since when it cannot be asked; undefined while it can. */
    readonly unavailable_since: Date | undefined
  }
  /** Undefined when it is past its end. Throws SealError when the profile does not open. */
  connection(): Connection | undefined
  /**
   * A record that was read along, of the token itself, its grant or its client; undefined for any
   * other one. Throws SealError when it does not open.
   */
  record(model: string, id: string): StoredRecord | undefined
}

/**
 * Each is looked up by its key, whatever the planner thinks of the tables: a limit keeps it from
 * joining them as a whole. As JSON, any number of tokens is one parameter and one plan.
 */
const read = prepare((db, id_hashes: string) =>
  db
    .selectFrom(
      sql<{ hash: Buffer }>`(
        select decode(value, 'hex') as hash from json_array_elements_text(${id_hashes}::json)
      )`.as('wanted'),
    )
    .innerJoinLateral(
      of =>
        of
          .selectFrom('oidc_records')
          .select(['grant_id', ...record_columns])
          .where('model', '=', token_model)
          .whereRef('id_hash', '=', 'wanted.hash')
          .where(alive)
          .limit(1)
          .as('token'),
      join => join.onTrue(),
    )
    .leftJoinLateral(
      of =>
        of
          .selectFrom('connections')
          .select(connection_columns)
          .select(['idp_asked_at', 'idp_unavailable_since'])
          .select([
            sql<boolean>`coalesce(lease_until > now(), false)`.as('leased'),
            sql<boolean>`idp_refresh_token is not null`.as('can_be_asked'),
          ])
          .whereRef('id', '=', 'token.grant_id')
          .where('expires_at', '>', sql<Date>`now()`)
          .limit(1)
          .as('connection'),
      join => join.onTrue(),
    )
    .leftJoinLateral(
      of =>
        of
          .selectFrom('client_decisions')
          .select('client_decisions.status as decision')
          .whereRef('org_id', '=', 'connection.org_id')
          .whereRef('client_id', '=', 'connection.client_id')
          .limit(1)
          .as('decided'),
      join => join.onTrue(),
    )
    .leftJoinLateral(
      () => recordNamed(db, 'Grant', 'token.grant_id').as('grant'),
      join => join.onTrue(),
    )
    .leftJoinLateral(
      () => recordNamed(db, 'Client', 'connection.client_id').as('client'),
      join => join.onTrue(),
    )
    .select(record_columns.map(column => `token.${column}` as const))
    .select(connection_columns.map(column => `connection.${column}` as const))
    .select(['idp_asked_at', 'idp_unavailable_since', 'leased', 'can_be_asked', 'decision'])
    .select(['grant.id_hash as grant_hash', 'grant.payload as grant_payload'])
    .select(['client.id_hash as client_hash', 'client.payload as client_payload'])
    .compile(),
)

const token_model = 'RefreshToken'

/** What a column of another table names; its hash is as `idHash` makes it. */
const recordNamed = (db: Kysely<Tables>, model: string, column: string) =>
  db
    .selectFrom('oidc_records')
    .select(['id_hash', 'payload'])
    .where('model', '=', model)
    .where('id_hash', '=', sql<Buffer>`sha256(convert_to(${sql.ref(column)}, 'UTF8'))`)
    .where(alive)
    .limit(1)

type Row = Awaited<ReturnType<typeof read>>['rows'][number]

/** Readings of one database under way, by the hash of the token, hexadecimal. */
const readings = new WeakMap<Database, Gathering<string, Row | undefined>>()

function readingsOf(db: Database): Gathering<string, Row | undefined> {
  const known = readings.get(db)
  if (known) return known
  const made = gather<string, Row | undefined>({
    async work(batch) {
      const wanted = new Set(batch.map(({ item }) => item))
      const { rows } = await read(db, JSON.stringify([...wanted]))
      const found = new Map(rows.map(row => [row.id_hash.toString('hex'), row]))
      for (const { item, answer } of batch) answer(found.get(item))
    },
    most_at_once: 64,
    most_waiting: 1_000,
    tooMany: waiting => new Error(`${waiting} refresh tokens wait to be looked up already`),
  })
  readings.set(db, made)
  return made
}

/**
 * Reads what a refresh needs by one statement, which it shares with those that come while another
 * one is under way. Undefined when there is no such refresh token, or it has expired. Rejects with
 * SealError when the token does not open.
 */
export async function readRefreshState(
  { db, ring }: Store,
  refresh_token: string,
): Promise<RefreshState | undefined> {
  const row = await readingsOf(db).ask(idHash(refresh_token).toString('hex'))
  if (row === undefined) return undefined
  const token = openRecord({ ring }, token_model, row)
  let opened: Connection | undefined
  return {
    token,
    leased: row.leased ?? false,
    decision: row.decision ?? undefined,
    idp: {
      can_be_asked: row.can_be_asked ?? false,
      asked_at: row.idp_asked_at ?? undefined,
      unavailable_since: row.idp_unavailable_since ?? undefined,
    },
    connection() {
      if (row.id !== null) opened ??= openConnection({ ring }, connectionRow(row))
      return opened
    },
    record(model, id) {
      if (model === token_model) return id === refresh_token ? token : undefined
      const found = alongside(row, model)
      return found && found.id_hash.equals(idHash(id))
        ? openRecord({ ring }, model, found)
        : undefined
    },
  }
}

/** A connection that is there has all of its columns. */
function connectionRow(row: Readonly<Record<keyof ConnectionRow, unknown>>): ConnectionRow {
  const columns = connection_columns.map(column => [column, row[column]])
  return Object.fromEntries(columns) as ConnectionRow
}

interface Alongside {
  readonly grant_hash: Buffer | null
  readonly grant_payload: Buffer | null
  readonly client_hash: Buffer | null
  readonly client_payload: Buffer | null
}

function alongside(row: Alongside, model: string): RecordRow | undefined {
  const [id_hash, payload] =
    model === 'Grant'
      ? [row.grant_hash, row.grant_payload]
      : model === 'Client'
        ? [row.client_hash, row.client_payload]
        : []
  return id_hash && payload ? { id_hash, payload, consumed_at: null, successor: null } : undefined
}

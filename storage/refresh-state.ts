import { sql } from 'kysely'
import {
  type Connection,
  connection_columns,
  type ConnectionRow,
  openConnection,
} from './connections.ts'
import { idHash } from './digest.ts'
import type { ClientDecision } from './org-clients.ts'
import { prepare } from './prepared.ts'
import { openRecord, record_columns, type RecordRow, type StoredRecord } from './record-row.ts'
import type { Store } from './store.ts'

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

const read = prepare((db, id_hash: Buffer) =>
  db
    .selectFrom('oidc_records as token')
    .leftJoin('connections', join =>
      join
        .onRef('connections.id', '=', 'token.grant_id')
        .on('connections.expires_at', '>', sql<Date>`now()`),
    )
    .leftJoin('client_decisions as decided', join =>
      join
        .onRef('decided.org_id', '=', 'connections.org_id')
        .onRef('decided.client_id', '=', 'connections.client_id'),
    )
    .leftJoin('oidc_records as grant', join =>
      join
        .on('grant.model', '=', 'Grant')
        .on('grant.id_hash', '=', hashOf('token.grant_id'))
        .on(aliveAs('grant')),
    )
    .leftJoin('oidc_records as client', join =>
      join
        .on('client.model', '=', 'Client')
        .on('client.id_hash', '=', hashOf('connections.client_id'))
        .on(aliveAs('client')),
    )
    .select(record_columns.map(column => `token.${column}` as const))
    .select(connection_columns.map(column => `connections.${column}` as const))
    .select(['idp_asked_at', 'idp_unavailable_since', 'decided.status as decision'])
    .select([
      sql<boolean>`coalesce(lease_until > now(), false)`.as('leased'),
      sql<boolean>`idp_refresh_token is not null`.as('can_be_asked'),
    ])
    .select(['grant.id_hash as grant_hash', 'grant.payload as grant_payload'])
    .select(['client.id_hash as client_hash', 'client.payload as client_payload'])
    .where('token.model', '=', token_model)
    .where('token.id_hash', '=', id_hash)
    .where(aliveAs('token'))
    .compile(),
)

const token_model = 'RefreshToken'
/** As `idHash` makes it. */
const hashOf = (column: string) => sql<Buffer>`sha256(convert_to(${sql.ref(column)}, 'UTF8'))`
const aliveAs = (table: string) => {
  const expires_at = sql.ref(`${table}.expires_at`)
  return sql<boolean>`(${expires_at} is null or ${expires_at} > now())`
}

/**
 * Reads what a refresh needs by one statement. Undefined when there is no such refresh token, or it
 * has expired. Rejects with SealError when the token does not open.
 */
export async function readRefreshState(
  { db, ring }: Store,
  refresh_token: string,
): Promise<RefreshState | undefined> {
  const [row] = (await read(db, idHash(refresh_token))).rows
  if (row === undefined) return undefined
  const token = openRecord({ ring }, token_model, row)
  let opened: Connection | undefined
  return {
    token,
    leased: row.leased,
    decision: row.decision ?? undefined,
    idp: {
      can_be_asked: row.can_be_asked,
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

import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { rememberPool } from './pool-use.ts'
import { PreparingClient } from './prepared.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>

export interface DatabaseOptions {
  /** Connections held at most; 10 by default. */
  readonly max?: number
  /** How this process is called in pg_stat_activity. */
  readonly application_name?: string
  /** Milliseconds to wait for a connection, new or from the pool; 5,000 by default. */
  readonly connect_timeout?: number
  /** Milliseconds until the server cancels a statement; 15,000 by default, 0 for never. */
  readonly statement_timeout?: number
  /** Hears of connections that broke while nobody used them. */
  readonly on_error?: (error: Error) => void
}

const CONNECT_TIMEOUT = 5_000
const STATEMENT_TIMEOUT = 15_000
/** The server's own timeout comes first; this one is for a server that does not answer at all. */
const SILENCE = 5_000

/**
 * A lazy pool: nothing connects before the first query, and `db.destroy()` closes it. Whatever takes
 * too long ends with a rejection. bigint is a number, timestamptz a Date.
 */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const timeout = options.statement_timeout ?? STATEMENT_TIMEOUT
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.application_name ?? 'mcp-oidc-gateway',
    connectionTimeoutMillis: options.connect_timeout ?? CONNECT_TIMEOUT,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: columnTypes(),
    ...(timeout > 0 && {
      statement_timeout: timeout,
      query_timeout: timeout + SILENCE,
      idle_in_transaction_session_timeout: timeout,
    }),
  })
  const report = (error: Error) => options.on_error?.(error)
  // Without these listeners a lost connection ends the process. Nothing is hidden by them: the
  // pool has dropped that connection, and whoever was using it gets the rejection of the query.
  pool.on('error', report)
  pool.on('connect', client => client.on('error', report))
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  rememberPool(db, pool)
  return db
}

function columnTypes() {
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, text => {
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a number`)
    return value
  })
  return types
}

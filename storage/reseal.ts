import { type RawBuilder, sql, type SqlBool } from 'kysely'
import { SealError, type SealErrorCode, sealedPrefix } from './seal.ts'
import {
  type Changes,
  sealed_tables,
  type SealedColumn,
  type SealedRow,
  type SealedTable,
} from './sealed-tables.ts'
import type { Store } from './store.ts'

export interface Resealed {
  /** Values that are sealed with the first key now, and were not before. */
  readonly resealed: number
  /** Values whose row changed at the same moment: whoever wrote it sealed it. */
  readonly overtaken: number
  /** Values that do not open. They stay as they are. */
  readonly unopened: number
}

/** A value that does not open, by the name it was sealed for. */
export interface Unopened {
  readonly name: string
  readonly code: SealErrorCode
  /** Names the key, never the content. */
  readonly message: string
}

export interface ResealOptions {
  /** Hears of every page. */
  readonly progress: (so_far: Resealed) => void
  readonly unopened: (value: Unopened) => void
  /** Ends the work after the row under way. */
  readonly signal: AbortSignal
}

const page = 500

/**
 * Seals again, with the first key of the ring, whatever another key sealed, while the gateway runs:
 * row by row, so that nothing waits for it, and each only if it is still what was read. May be ended
 * at any time and begun again: what is done is not read a second time.
 */
export async function reseal(store: Store, options: ResealOptions): Promise<Resealed> {
  const done = { resealed: 0, overtaken: 0, unopened: 0 }
  const { progress, unopened, signal } = options
  for (const table of sealed_tables) {
    let after: SealedRow | undefined
    do {
      const rows: readonly SealedRow[] = await oldRows(store, table, after)
      for (const row of rows) {
        if (signal.aborted) return done
        for (const [column, sealed] of Object.entries(table.columns)) {
          const work = workOn(store, column, sealed, row)
          if (work === undefined) continue
          if ('unopened' in work) {
            unopened(work.unopened)
            done.unopened += 1
          } else if (await replaced(store, table, row, column, work.changes)) done.resealed += 1
          else done.overtaken += 1
        }
      }
      progress(done)
      after = rows.length < page ? undefined : rows.at(-1)
    } while (after !== undefined)
  }
  return done
}

/** The next rows with a value that the first key has not sealed, in the order of their keys. */
async function oldRows(
  { db, ring }: Store,
  { table, key, also, columns }: SealedTable,
  after: SealedRow | undefined,
): Promise<readonly SealedRow[]> {
  const names = Object.keys(columns)
  const prefix = sealedPrefix(ring[0])
  const old = names.map(
    name => sql<SqlBool>`substring(${sql.ref(name)} from 1 for ${prefix.length}) <> ${prefix}`,
  )
  const keys = sql.join(key.map(name => sql.ref(name)))
  const further = after
    ? sql<SqlBool>`(${keys}) > (${sql.join(key.map(name => after[name]))})`
    : sql<SqlBool>`true`
  const { rows } = await sql<SealedRow>`
    select ${sql.join([...key, ...also, ...names].map(name => sql.ref(name)))}
    from ${sql.table(table)}
    where ${further} and (${sql.join(old, sql` or `)})
    order by ${keys} limit ${page}`.execute(db)
  return rows
}

/** What is to be written, why the value does not open, or undefined when there is nothing to do. */
function workOn(
  store: Store,
  column: string,
  { name, resealed }: SealedColumn,
  row: SealedRow,
): { readonly changes: Changes } | { readonly unopened: Unopened } | undefined {
  const sealed = row[column] as Buffer | null
  const prefix = sealedPrefix(store.ring[0])
  if (sealed === null || sealed.subarray(0, prefix.length).equals(prefix)) return undefined
  try {
    return { changes: resealed(store, row, sealed) }
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    return { unopened: { name: name(row), code: error.code, message: error.message } }
  }
}

/** False when the value was not the same any more. */
async function replaced(
  { db }: Store,
  { table, key }: SealedTable,
  row: SealedRow,
  column: string,
  changes: Changes,
): Promise<boolean> {
  const equal = (name: string): RawBuilder<unknown> => sql`${sql.ref(name)} = ${row[name]}`
  const { numAffectedRows } = await sql`
    update ${sql.table(table)}
    set ${sql.join(Object.entries(changes).map(([name, value]) => sql`${sql.ref(name)} = ${value}`))}
    where ${sql.join([...key, column].map(equal), sql` and `)}`.execute(db)
  return numAffectedRows === 1n
}

import { CompiledQuery, type Kysely, type QueryResult } from 'kysely'
import pg from 'pg'
import type { Tables } from './tables.ts'

/** Where an argument goes. */
class Place {
  readonly index: number
  constructor(index: number) {
    this.index = index
  }
}

/** How a connection calls the statements that it has parsed before, by their text. */
const names = new Map<string, string>()

/**
 * A statement that is built and compiled once, and that each connection parses once. `build` is
 * called with stand-ins for the arguments: it may put them into the statement and not look at them.
 */
export function prepare<Arguments extends readonly unknown[], Row>(
  build: (db: Kysely<Tables>, ...given: Arguments) => CompiledQuery<Row>,
): (db: Kysely<Tables>, ...given: Arguments) => Promise<QueryResult<Row>> {
  const places = Array.from({ length: build.length - 1 }, (_, index) => new Place(index))
  let compiled: CompiledQuery<Row> | undefined
  return (db, ...given) => {
    compiled ??= build(db, ...(places as unknown as Arguments))
    const { parameters, sql } = compiled
    if (!names.has(sql)) names.set(sql, `prepared_${names.size}`)
    const values = parameters.map(value => (value instanceof Place ? given[value.index] : value))
    return db.executeQuery<Row>(CompiledQuery.raw(sql, values))
  }
}

type Query = (text: unknown, values?: unknown, callback?: unknown) => unknown

/** A connection that parses each prepared statement once, and any other one whenever it is run. */
export class PreparingClient extends pg.Client {
  override query = ((text, values, callback) => {
    const query = super.query.bind(this) as Query
    const name = typeof text === 'string' ? names.get(text) : undefined
    return name === undefined
      ? query(text, values, callback)
      : query({ name, text, values }, callback)
  }) as Query as pg.Client['query']
}

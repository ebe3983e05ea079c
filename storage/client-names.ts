import { sql } from 'kysely'
import type { Database } from './database.ts'
import { prepare } from './prepared.ts'
import type { Tables } from './tables.ts'

/** Who vouches for the name: the host that publishes it, the operator, or the client alone. */
export type NamedClientKind = Tables['client_names']['kind']

export interface ClientName {
  readonly client_id: string
  readonly name: string
  readonly kind: NamedClientKind
}

const note = prepare((db, client_id: string, name: string, kind: NamedClientKind) => {
  const named = { name, kind, seen_at: sql<Date>`now()` }
  return db
    .insertInto('client_names')
    .values({ client_id, ...named })
    .onConflict(conflict => conflict.column('client_id').doUpdateSet(named))
    .compile()
})

/** Notes how a client is called; the latest name stays. */
export async function noteClientName(
  db: Database,
  { client_id, name, kind }: ClientName,
): Promise<void> {
  await note(db, client_id, name.replaceAll('\0', '').slice(0, 200), kind)
}

/** Those of the clients whose names were noted. */
export async function findClientNames(
  db: Database,
  client_ids: readonly string[],
): Promise<ReadonlyMap<string, ClientName>> {
  const wanted = [...new Set(client_ids)]
  if (wanted.length === 0) return new Map()
  const rows = await db
    .selectFrom('client_names')
    .select(['client_id', 'name', 'kind'])
    .where('client_id', '=', sql<string>`any(${wanted})`)
    .execute()
  return new Map(rows.map(row => [row.client_id, row]))
}

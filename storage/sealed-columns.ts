import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The columns that hold sealed values. */
export const sealed_columns = [
  { table: 'connections', column: 'profile' },
  { table: 'connections', column: 'idp_refresh_token' },
  { table: 'oidc_records', column: 'payload' },
  { table: 'oidc_records', column: 'successor' },
] as const

/** How many values are sealed with which key, by its kid. Reads both tables from end to end. */
export async function countSealed(db: Database): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { table, column } of sealed_columns) {
    const sealed = sql.ref(column)
    // The envelope: version, length of the kid, kid (see seal.ts).
    const { rows } = await sql<{ kid: Buffer; count: number }>`
      select substring(${sealed} from 3 for get_byte(${sealed}, 1)) as kid, count(*) as count
      from ${sql.table(table)}
      where octet_length(${sealed}) > 2 group by 1`.execute(db)
    for (const { kid, count } of rows)
      counts.set(kid.toString('utf8'), (counts.get(kid.toString('utf8')) ?? 0) + count)
  }
  return counts
}

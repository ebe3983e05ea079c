import { sql } from 'kysely'
import type { Database } from './database.ts'
import { sealed_tables } from './sealed-tables.ts'

export interface SealedCounts {
  /** How many values are sealed with which key, by its kid. */
  readonly by_kid: ReadonlyMap<string, number>
  /** Values that are not sealed in a form we know. */
  readonly malformed: number
}

/** Reads every table with sealed values from end to end: some seconds for a million rows. */
export async function countSealed(db: Database): Promise<SealedCounts> {
  const by_kid = new Map<string, number>()
  let malformed = 0
  for (const { table, columns } of sealed_tables)
    for (const column of Object.keys(columns)) {
      const sealed = sql.ref(column)
      // The envelope: version, length of the kid, kid (see seal.ts).
      const { rows } = await sql<{ kid: Buffer | null; count: number }>`
        select case when octet_length(${sealed}) > 2 and substring(${sealed} from 1 for 1) = '\\x01'
            then substring(${sealed} from 3 for get_byte(${sealed}, 1)) end as kid,
          count(*) as count
        from ${sql.table(table)} where ${sealed} is not null group by 1`.execute(db)
      for (const { kid, count } of rows)
        if (kid === null) malformed += count
        else by_kid.set(kid.toString(), (by_kid.get(kid.toString()) ?? 0) + count)
    }
  return { by_kid, malformed }
}

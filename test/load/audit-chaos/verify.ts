import { sql } from 'kysely'
import { openDatabase } from '../../../storage/database.ts'
import type { Calls } from './callers.ts'

export interface Verdict {
  readonly events: number
  readonly writes: number
  /** Request ids of results that a client has and the trail has not. */
  readonly without_event: readonly string[]
  /** Request ids of what was written without a `started`. */
  readonly without_started: readonly string[]
}

/** Compares what clients have, and what is written, with the trail. */
export async function verify(database_url: string, { answered }: Calls): Promise<Verdict> {
  const db = openDatabase(database_url, { max: 1 })
  try {
    const rows = await db
      .selectFrom('audit_events')
      .select(['request_id', 'outcome'])
      .where('type', '=', 'tool_call')
      .execute()
    const of = (started: boolean) =>
      new Set(rows.flatMap(row => ((row.outcome === 'started') === started ? row.request_id : [])))
    const [ended, started] = [of(false), of(true)]
    const lists = await sql<{ name: string }>`select name from product.saved_lists`.execute(db)
    const written = lists.rows.map(({ name }) => name).filter(name => /^[0-9a-f-]{36}$/.test(name))
    return {
      events: rows.length,
      writes: written.length,
      without_event: [...answered].filter(id => !ended.has(id)),
      without_started: written.filter(id => !started.has(id)),
    }
  } finally {
    await db.destroy()
  }
}

import { sql } from 'kysely'
import { argumentDigest } from '../../../mcp-server/audit/argument-digest.ts'
import { openDatabase } from '../../../storage/database.ts'
import type { Calls } from './callers.ts'

export interface Verdict {
  /** Tool calls in the trail that ended, and lists that were written. */
  readonly events: number
  readonly written: number
  /** Request ids of results that a client has and the trail has not. */
  readonly without_event: readonly string[]
  /** Names of calls that wrote without a `started`. */
  readonly without_started: readonly string[]
}

/** Compares what clients have, and what is written, with the trail. */
export async function verify(database_url: string, { answered, writes }: Calls): Promise<Verdict> {
  const db = openDatabase(database_url, { max: 1 })
  try {
    const rows = await db
      .selectFrom('audit_events')
      .select(['request_id', 'outcome', 'argument_digest'])
      .where('type', '=', 'tool_call')
      .execute()
    const ended = new Set(rows.flatMap(row => (row.outcome === 'started' ? [] : row.request_id)))
    // No two calls write the same, so that the arguments say which it was, also without an answer.
    const started = new Set(
      rows.flatMap(row => (row.outcome === 'started' ? row.argument_digest : [])),
    )
    const lists = await sql<{ name: string }>`select name from product.saved_lists`.execute(db)
    const written = lists.rows.map(({ name }) => name).filter(name => writes.has(name))
    return {
      events: ended.size,
      written: written.length,
      without_event: [...answered.keys()].filter(id => !ended.has(id)),
      without_started: written.filter(name => !started.has(argumentDigest(writes.get(name)))),
    }
  } finally {
    await db.destroy()
  }
}

import { type Kysely, sql } from 'kysely'

/** Who vouched for the client of an event; null in events that were written before. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table audit_events add column client_kind text`.execute(db)
}

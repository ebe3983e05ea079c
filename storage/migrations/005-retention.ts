import { type Kysely, sql } from 'kysely'

/**
 * Connections that are over are removed by when they ended, not by when they would have. Active ones
 * past their end have an index of their own, so nobody needs the one of all ends.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index connections_ended on connections (ended_at)
    where status = 'ended'`.execute(db)
  await sql`drop index connections_expiry`.execute(db)
}

import { type Kysely, sql } from 'kysely'

/**
 * A registered client expires until it is used; a used one has no end. How many wait to be used is
 * counted at every registration, so those have an index of their own.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index oidc_records_unused_clients on oidc_records (expires_at)
    where model = 'Client' and expires_at is not null`.execute(db)
}

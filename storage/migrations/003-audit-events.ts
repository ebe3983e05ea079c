import { type Kysely, sql } from 'kysely'

/**
 * The audit trail: the one table that names people by email, for those who must answer for what
 * was done. It takes what it is given; a rule that refuses a row would lose the record of it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table audit_events (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      type text not null,
      outcome text not null check (outcome in ('started', 'ok', 'error', 'refused')),
      request_id text,
      user_id text,
      org_id text,
      email text,
      client_id text,
      connection_id text,
      tool text,
      argument_digest text,
      error_code text,
      duration_ms double precision,
      reason text
    )`.execute(db)
  await sql`create index audit_events_org on audit_events (org_id, at)`.execute(db)
  await sql`create index audit_events_user on audit_events (user_id, at)`.execute(db)
}

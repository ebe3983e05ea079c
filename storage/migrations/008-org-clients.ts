import { type Kysely, sql } from 'kysely'

/**
 * What an org has decided about a client, and who asked for one that waits for its decision. People
 * are named by their user id, a digest; their email is in the audit trail.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table client_decisions (
      org_id text not null check (org_id <> ''),
      client_id text not null check (client_id <> ''),
      status text not null check (status in ('approved', 'refused', 'blocked')),
      decided_by text not null,
      decided_at timestamptz not null default now(),
      primary key (org_id, client_id)
    )`.execute(db)
  await sql`
    create table client_requests (
      org_id text not null check (org_id <> ''),
      client_id text not null check (client_id <> ''),
      user_id text not null check (starts_with(user_id, 'usr_')),
      client_name text not null,
      asked_at timestamptz not null default now(),
      primary key (org_id, client_id, user_id)
    )`.execute(db)
  await sql`create index client_requests_user on client_requests (org_id, user_id)`.execute(db)
}

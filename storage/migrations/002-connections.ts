import { type Kysely, sql } from 'kysely'

/**
 * One row per approved authorization. `profile` is sealed: the person's email and roles and what
 * the identity provider gave us. User and org ids live in one namespace of rate-limit counters,
 * so the two kinds must never be equal.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table connections (
      id text primary key check (id <> ''),
      user_id text not null check (starts_with(user_id, 'usr_')),
      org_id text not null check (org_id <> '' and not starts_with(org_id, 'usr_')),
      client_id text not null check (client_id <> ''),
      idp_id text not null check (idp_id <> ''),
      status text not null default 'active' check (status in ('active', 'ended')),
      ended_reason text,
      created_at timestamptz not null default now(),
      last_used_at timestamptz,
      expires_at timestamptz not null check (isfinite(expires_at)),
      profile bytea not null,
      check ((status = 'ended') = (ended_reason is not null))
    )`.execute(db)
  await sql`create index connections_user on connections (user_id)`.execute(db)
  await sql`create index connections_org on connections (org_id)`.execute(db)
  await sql`create index connections_client on connections (client_id)`.execute(db)
  await sql`create index connections_expiry on connections (expires_at)`.execute(db)
}

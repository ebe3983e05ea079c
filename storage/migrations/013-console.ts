import { type Kysely, sql } from 'kysely'

/**
 * What the console needs to know and the plugin tells it. `signed_in_people` has who signed in to one
 * of our own pages, with what the identity provider says of them now: `profile` is sealed. People are
 * found in it by their user id, a digest. `client_names` says how a client that was approved or asked
 * for called itself. `gateway_settings` has what is in force and no secret: scopes in words, lifetimes.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table signed_in_people (
      user_id text primary key check (starts_with(user_id, 'usr_')),
      idp_id text not null check (idp_id <> ''),
      profile bytea not null,
      idp_refresh_token bytea,
      signed_in_at timestamptz not null default now(),
      idp_asked_at timestamptz not null default now(),
      idp_unavailable_since timestamptz,
      expires_at timestamptz not null check (isfinite(expires_at))
    )`.execute(db)
  await sql`create index signed_in_people_expiry on signed_in_people (expires_at)`.execute(db)
  await sql`
    create table client_names (
      client_id text primary key check (client_id <> ''),
      name text not null,
      kind text not null check (kind in ('verified_host', 'pre_registered', 'self_declared')),
      seen_at timestamptz not null default now()
    )`.execute(db)
  await sql`
    create table gateway_settings (
      issuer text primary key,
      settings jsonb not null,
      written_at timestamptz not null default now()
    )`.execute(db)
  await sql`create index connections_org_user on connections (org_id, user_id)`.execute(db)
}

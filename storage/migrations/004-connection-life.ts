import { type Kysely, sql } from 'kysely'

/**
 * What a connection needs in order to end when it should. The identity provider's refresh token has
 * a sealed column of its own, emptied when the connection ends. Emails and the identity provider's
 * session ids are found by keyed hash. A lease lets one replica at a time refresh a connection.
 * A consumed refresh token names, sealed, the one that took its place.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table connections
      add column ended_at timestamptz,
      add column idp_refresh_token bytea,
      add column idp_asked_at timestamptz,
      add column idp_unavailable_since timestamptz,
      add column email_hash bytea check (octet_length(email_hash) = 32),
      add column idp_sid_hash bytea check (octet_length(idp_sid_hash) = 32),
      add column lease_holder text,
      add column lease_until timestamptz,
      add check ((lease_holder is null) = (lease_until is null))`.execute(db)
  await sql`update connections set ended_at = now() where status = 'ended'`.execute(db)
  await sql`
    alter table connections
      add check ((status = 'ended') = (ended_at is not null)),
      add check (status = 'active' or idp_refresh_token is null)`.execute(db)
  await sql`create index connections_email on connections (email_hash)`.execute(db)
  await sql`
    create index connections_idp_sid on connections (idp_sid_hash)
    where idp_sid_hash is not null`.execute(db)
  await sql`
    create index connections_active on connections (expires_at)
    where status = 'active'`.execute(db)
  await sql`
    alter table oidc_records
      add column user_id text,
      add column successor bytea`.execute(db)
  await sql`
    create index oidc_records_user on oidc_records (user_id)
    where user_id is not null`.execute(db)
}

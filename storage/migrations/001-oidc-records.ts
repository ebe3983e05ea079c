import { type Kysely, sql } from 'kysely'

/**
 * What the authorization server keeps. A row is found by the hash of its id: codes and tokens are
 * bearer secrets, and so is the uid in a paused request's address. A grant's id is not one: it is
 * the connection's id, which every page and log line may show, and lets nobody in.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table oidc_records (
      model text not null check (model <> ''),
      id_hash bytea not null check (octet_length(id_hash) = 32),
      uid_hash bytea check (octet_length(uid_hash) = 32),
      grant_id text,
      payload bytea not null,
      consumed_at timestamptz,
      expires_at timestamptz check (isfinite(expires_at)),
      primary key (model, id_hash)
    )`.execute(db)
  await sql`
    create index oidc_records_uid on oidc_records (model, uid_hash)
    where uid_hash is not null`.execute(db)
  await sql`
    create index oidc_records_grant on oidc_records (grant_id)
    where grant_id is not null`.execute(db)
  await sql`
    create index oidc_records_expiry on oidc_records (expires_at)
    where expires_at is not null`.execute(db)
}

import { type Kysely, sql } from 'kysely'

/**
 * What a person has approved, so that they can be told what is new, and need not be asked again for
 * the same where they wanted that (`skips_consent`). `redirect` is where the browser was sent back to: an origin, or the scheme where a host means nothing. Nothing
 * here is a secret and nobody is named: the user id is a digest.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table approvals (
      user_id text not null check (starts_with(user_id, 'usr_')),
      org_id text not null check (org_id <> '' and not starts_with(org_id, 'usr_')),
      client_id text not null check (client_id <> ''),
      redirect text not null check (redirect <> ''),
      resource text not null check (resource <> ''),
      scopes text[] not null check (cardinality(scopes) > 0),
      skips_consent boolean not null,
      created_at timestamptz not null default now(),
      last_used_at timestamptz not null default now(),
      primary key (user_id, org_id, client_id, redirect, resource)
    )`.execute(db)
  await sql`create index approvals_org_client on approvals (org_id, client_id)`.execute(db)
  await sql`create index approvals_client on approvals (client_id)`.execute(db)
  await sql`create index approvals_last_used on approvals (last_used_at)`.execute(db)
}

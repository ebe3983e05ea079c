import { type Kysely, sql } from 'kysely'

/**
 * Which keys the last gateway that started had, by ring, in their order: kid and fingerprint, from
 * which no key can be computed. One that starts with others is told before it seals or signs.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table key_rings (
      issuer text not null check (issuer <> ''),
      ring text not null check (ring in ('signing_keys', 'storage_keys', 'cookie_keys')),
      keys jsonb not null,
      written_at timestamptz not null default now(),
      primary key (issuer, ring)
    )`.execute(db)
}

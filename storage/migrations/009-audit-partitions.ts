import { type Kysely, sql } from 'kysely'

/**
 * The audit trail in a partition for each month (UTC), so that old ones are dropped, not deleted row
 * by row. What is there already becomes the first partition, where it is: no row is copied. Rows
 * that no month takes go to the default partition, so no event is lost for want of one.
 *
 * Further columns: the client's address, how many times something happened, and what Kong's rate
 * limits tell. Kong sends its log again when it is not sure: one index keeps a refusal from being
 * told twice.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`lock table audit_events in access exclusive mode`.execute(db)
  await sql`
    alter table audit_events
      drop constraint audit_events_pkey,
      alter column id drop identity,
      add column ip text,
      add column count integer check (count > 0),
      add column route text,
      add column limited_by text`.execute(db)
  await sql`drop index audit_events_org, audit_events_user`.execute(db)
  await sql`alter table audit_events rename to audit_events_first`.execute(db)
  await sql`create sequence audit_events_id_seq as bigint`.execute(db)
  await sql`
    select setval('audit_events_id_seq', greatest(max(id), 1), max(id) is not null)
    from audit_events_first`.execute(db)
  await sql`
    create table audit_events (like audit_events_first including defaults including constraints)
    partition by range (at)`.execute(db)
  await sql`
    alter table audit_events alter column id set default nextval('audit_events_id_seq')`.execute(db)
  await sql`alter sequence audit_events_id_seq owned by audit_events.id`.execute(db)
  await sql`alter table audit_events add primary key (at, id)`.execute(db)
  await sql`create index audit_events_org on audit_events (org_id, at, id)`.execute(db)
  await sql`create index audit_events_user on audit_events (user_id, at, id)`.execute(db)
  await sql`
    create index audit_events_tool on audit_events (tool, at, id)
    where tool is not null`.execute(db)
  await sql`
    create unique index audit_events_once on audit_events (request_id, at)
    where type = 'rate_limit'`.execute(db)
  await sql`create table audit_events_default partition of audit_events default`.execute(db)
  await sql`
    do $$
    declare
      until timestamp := date_trunc('month', now() at time zone 'utc');
      latest timestamptz;
    begin
      select max(at) into latest from audit_events_first;
      if latest is null then
        drop table audit_events_first;
      else
        until := greatest(until, date_trunc('month', latest at time zone 'utc'))
          + interval '1 month';
        execute format('alter table audit_events attach partition audit_events_first
          for values from (minvalue) to (%L)', until at time zone 'utc');
      end if;
      for ahead in 0..3 loop
        execute format('create table %I partition of audit_events for values from (%L) to (%L)',
          'audit_events_' || to_char(until, 'YYYY_MM'),
          until at time zone 'utc', (until + interval '1 month') at time zone 'utc');
        until := until + interval '1 month';
      end loop;
    end $$`.execute(db)
}

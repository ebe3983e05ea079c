import { type Kysely, sql } from 'kysely'

/**
 * Indexes for searching the trail of one organization and for counting it. The first holds all that
 * counting needs, so no row is read for it. Client ids may be longer than an index takes: the
 * first 200 characters find the few rows to compare. What goes well is most of the trail and found
 * without an index of its own; what is searched for is the rest.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`drop index audit_events_org`.execute(db)
  await sql`
    create index audit_events_org on audit_events (org_id, at, id)
    include (type, outcome, tool, count)`.execute(db)
  await sql`
    create index audit_events_org_client on audit_events (org_id, left(client_id, 200), at, id)
    where client_id is not null`.execute(db)
  await sql`
    create index audit_events_org_outcome on audit_events (org_id, outcome, at, id)
    where outcome <> 'ok'`.execute(db)
  await sql`
    create index audit_events_org_type on audit_events (org_id, type, at, id)
    where type <> 'tool_call'`.execute(db)
  await sql`
    create index audit_events_email on audit_events (email, at, id)
    where email is not null`.execute(db)
}

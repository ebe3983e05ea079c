import { sql } from 'kysely'
import type { Database } from '../../../../storage/database.ts'

/** Events of each organization, over the last days: as many as a page of the console shows. */
const events_of_org = 50
/** Organizations that one statement writes of. */
const chunk = 1_000

/** Writes the trail of so many organizations, `org0` and so on, in the order of time as it comes to be. */
export async function fillTrail(
  db: Database,
  organizations: number,
  report: (line: string) => void,
): Promise<void> {
  for (let from = 0; from < organizations; from += chunk) {
    const to = Math.min(organizations, from + chunk)
    await sql`
      insert into audit_events (type, outcome, request_id, user_id, org_id, email, client_id,
        connection_id, tool, argument_digest, duration_ms, at)
      select 'tool_call', case when n % 10 = 0 then 'refused' else 'ok' end, md5(org || '/' || n),
        'usr_' || md5(org || '/' || n % 5), 'org' || org, 'user' || n % 5 || '@org' || org || '.example',
        'client' || n % 3, 'con_' || md5(org || '/' || n % 5), (array['whoami', 'search'])[1 + n % 2],
        md5(n::text) || md5(org::text), n % 100 / 10.0, now() - (n * 3 || ' hours')::interval - (org || ' ms')::interval
      from generate_series(${events_of_org}::int, 1, -1) n,
        generate_series(${from}::int, ${to - 1}::int) org`.execute(db)
    if (organizations > chunk) report(`the trail of ${to} of ${organizations} organizations`)
  }
  await sql`vacuum analyze audit_events`.execute(db)
}

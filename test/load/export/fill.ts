import { sql } from 'kysely'
import type { Database } from '../../../storage/database.ts'

/** Events that one statement makes. */
const chunk = 100_000

/** Writes so many events of one org, and a tenth as many of another, over the last weeks. */
export async function fillTrail(
  db: Database,
  events: number,
  report: (line: string) => void,
): Promise<void> {
  const tools = ['search_companies', 'get_company', 'whoami', 'list_saved_lists', 'add_to_list']
  for (let done = 0; done < events; done += chunk) {
    const until = Math.min(events, done + chunk)
    await sql`
      insert into audit_events (type, outcome, request_id, user_id, org_id, email, client_id,
        connection_id, tool, argument_digest, duration_ms, reason, at)
      select 'tool_call', case when n % 97 = 0 then 'refused' else 'ok' end, md5(n::text),
        'usr_' || md5((n % 500)::text), org, 'user' || n % 500 || '@' || org || '.example',
        'https://client' || n % 7 || '.example/oauth/metadata.json', 'con_' || md5((n % 1500)::text),
        (${tools}::text[])[1 + n % 5], md5(n::text) || md5((n + 1)::text), n % 1000 / 10.0,
        case when n % 97 = 0 then 'a reason, with a comma' end,
        now() - (${events} - n) * interval '2 seconds'
      from generate_series(${done + 1}::int, ${until}::int) n,
        lateral (select 'acme' as org union all select 'globex' where n % 10 = 0) orgs`.execute(db)
    report(`${until} of ${events} events`)
  }
  await sql`vacuum analyze audit_events`.execute(db)
}

import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely'
import pg from 'pg'
import { countActiveConnections } from '../../../storage/connections.ts'
import { endConnections, findUsers } from '../../../storage/end-connections.ts'
import { keepHouse } from '../../../storage/housekeeping.ts'
import type { KeyRing } from '../../../storage/key-ring.ts'
import type { Tables } from '../../../storage/tables.ts'
import type { RealConnection } from './fill.ts'
import { work } from './work.ts'

export interface Plan {
  readonly name: string
  readonly query: string
  readonly plan: string
}

/** How PostgreSQL runs each statement of the work, in the order they are made. */
export async function plansOf(
  url: string,
  ring: KeyRing,
  connection: RealConnection,
): Promise<readonly Plan[]> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const heard: CompiledQuery[] = []
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    log: event => void heard.push(event.query),
  })
  const store = { db, ring }
  const signal = new AbortController().signal
  const nobody = `nobody@acme.example`
  const all = {
    ...Object.fromEntries(
      Object.entries(work).map(([name, run]) => [name, () => run(store, connection)]),
    ),
    'end by email': () => endConnections(store, { email: nobody }, 'operator'),
    'end by user': () => endConnections(store, { user_id: 'usr_nobody' }, 'operator'),
    'end by org': () => endConnections(store, { org_id: 'none' }, 'operator'),
    'end by client': () => endConnections(store, { client_id: 'none' }, 'operator'),
    'end by session': () =>
      endConnections(store, { idp_id: 'okta', idp_sid: 'none' }, 'idp_logout'),
    'find users': () => findUsers(store, { email: nobody }),
    'keep house': () => keepHouse(db, { batch: 1_000, retention: 7_776_000, signal }),
    count: () => countActiveConnections(store),
  }
  const plans: Plan[] = []
  try {
    for (const [name, run] of Object.entries(all)) {
      heard.length = 0
      await run()
      for (const { sql, parameters } of heard.splice(0))
        if (/\b(connections|oidc_records)\b/.test(sql)) {
          const { rows } = await pool.query<Record<string, string>>(`explain ${sql}`, [
            ...parameters,
          ])
          const plan = rows.map(row => row['QUERY PLAN']).join('\n')
          plans.push({ name, query: sql.replaceAll(/\s+/g, ' ').trim(), plan })
        }
    }
  } finally {
    await db.destroy()
  }
  return plans
}

/** What reads one of our tables from end to end. */
export const scanned = ({ plan }: Plan) => /Seq Scan on (connections|oidc_records)/.test(plan)

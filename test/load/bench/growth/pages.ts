import { readTrail } from '../../../../console/audit/read-trail.ts'
import { createTurns } from '../../../../console/audit/turns.ts'
import { listMembers } from '../../../../storage/org-connections.ts'
import { real_org } from '../../connections-scale/fill.ts'
import type { Filled } from '../../connections-scale/measure.ts'

/** What the console asks of the database for a page that an admin opens. */
export const pages = { members: readMembers, audit: readAudit } as const

const inTurn = createTurns(1)
const week = 7 * 86_400_000

/** The first hundred people of an organization with their connections. */
async function readMembers({ store }: Filled): Promise<void> {
  const members = await listMembers(store, real_org, { limit: 100 })
  if (members.length !== 100 || members.some(({ email }) => email === undefined))
    throw new Error(
      `the page of an organization shows ${members.length} people, not 100 with a name`,
    )
}

/** The latest fifty events of an organization, and what is counted of its last week. */
async function readAudit({ store: { db } }: Filled): Promise<void> {
  const now = new Date()
  const { events, took_too_long } = await readTrail(
    { db, inTurn, limits: { search: 60_000, count: 60_000 } },
    { org_id: 'org5' },
    {
      asked: {},
      org: 'org5',
      filter: { since: new Date(now.getTime() - week) },
      after: undefined,
      format: 'csv',
    },
    now,
  )
  if (events?.length !== 50 || took_too_long.length > 0)
    throw new Error(`the audit page shows ${events?.length ?? 'no'} events, not 50`)
}

/** Milliseconds of each, in each database, which take turns; what is slow at first is not counted. */
export async function measurePages(
  databases: readonly Filled[],
  rounds: number,
): Promise<Readonly<Record<keyof typeof pages, readonly number[][]>>> {
  const none = () => databases.map((): number[] => [])
  const times = { members: none(), audit: none() }
  for (const name of ['members', 'audit'] as const)
    for (let round = -Math.ceil(rounds / 5); round < rounds; round += 1)
      for (const [index, database] of databases.entries()) {
        const began = performance.now()
        await pages[name](database)
        if (round >= 0) times[name][index]?.push(performance.now() - began)
      }
  return times
}

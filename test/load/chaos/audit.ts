import { openDatabase } from '../../../storage/database.ts'
import type { SignedIn } from '../access-token.ts'
import { good_tool } from './callers.ts'
import type { Load } from './load.ts'

/** Tool calls on record, for each tool and identity. */
interface Recorded {
  readonly tool: string | null
  readonly user_id: string | null
  readonly org_id: string | null
  readonly email: string | null
  readonly calls: number
}

export interface Trail {
  readonly calls: number
  /** What must not be there, each in words. */
  readonly violations: readonly string[]
}

/**
 * Compares the audit trail, on which every tool call is before it is answered, with what was sent.
 * `beside` counts the calls of each person outside the load.
 */
export async function readTrail(
  database_url: string,
  people: readonly SignedIn[],
  { answered, sent }: Load,
  beside: number,
): Promise<Trail> {
  const rows = await toolCalls(database_url)
  const violations: string[] = []
  const by_user = new Map<string, number>()
  for (const row of rows) {
    const person = people.find(({ whoami }) => whoami.user_id === row.user_id)?.whoami
    const known = person?.org_id === row.org_id && person.email === row.email
    if (!known || row.tool !== good_tool)
      violations.push(`on record, but sent by nobody: ${JSON.stringify(row)}`)
    else by_user.set(person.user_id, (by_user.get(person.user_id) ?? 0) + row.calls)
  }
  for (const { user_id, email } of people.map(({ whoami }) => whoami)) {
    const calls = by_user.get(user_id) ?? 0
    const most = (sent.get(user_id) ?? 0) + beside
    const least = (answered.get(user_id) ?? 0) + beside
    if (calls > most) violations.push(`${email}: ${calls} calls on record, ${most} were sent`)
    if (calls < least) violations.push(`${email}: ${calls} calls on record, ${least} were answered`)
  }
  return { calls: rows.reduce((sum, { calls }) => sum + calls, 0), violations }
}

async function toolCalls(database_url: string): Promise<readonly Recorded[]> {
  const db = openDatabase(database_url, { max: 1 })
  try {
    return await db
      .selectFrom('audit_events')
      .select(({ fn }) => ['tool', 'user_id', 'org_id', 'email', fn.countAll<number>().as('calls')])
      .where('type', '=', 'tool_call')
      .groupBy(['tool', 'user_id', 'org_id', 'email'])
      .execute()
  } finally {
    await db.destroy()
  }
}

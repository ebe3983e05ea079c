import { openDatabase } from '../../storage/database.ts'
import type { OwnStack } from './stack.ts'

/** The trail of tool calls of a stack: whatever ran is on record before it is answered. */
export function openTrail({ database_url }: OwnStack) {
  const db = openDatabase(database_url, { max: 1 })
  return {
    /** Calls of tools so far, whatever became of them. */
    async toolCalls(): Promise<number> {
      const { calls } = await db
        .selectFrom('audit_events')
        .select(({ fn }) => fn.countAll<number>().as('calls'))
        .where('type', '=', 'tool_call')
        .executeTakeFirstOrThrow()
      return calls
    },
    close: () => db.destroy(),
  }
}

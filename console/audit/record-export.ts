import { recordAuditEvent } from '../../storage/audit.ts'
import type { Database } from '../../storage/database.ts'
import type { Viewer } from '../session/viewer.ts'
import type { Whose } from './reader.ts'
import type { Search } from './search-form.ts'

export interface ExportRequest {
  readonly viewer: Viewer
  readonly whose: Whose
  readonly search: Search
  readonly until: Date
  readonly request_id: string
}

/**
 * Who takes events away is on record before the first one leaves, and whether they got all of it after
 * that. Rejects, and does nothing, when it cannot be recorded.
 */
export async function recordExport(
  db: Database,
  { viewer, whose, search, until, request_id }: ExportRequest,
  work: () => Promise<void>,
): Promise<void> {
  const times = ['since', 'until']
  const reason = [
    search.format,
    `${search.filter.since.toISOString()} to ${until.toISOString()}`,
    ...Object.keys(search.filter)
      .filter(name => !times.includes(name))
      .map(name => `by ${name}`),
  ].join(', ')
  const event = {
    type: 'export',
    request_id,
    user_id: viewer.user_id,
    email: viewer.email,
    ...(whose.org_id === undefined ? {} : { org_id: whose.org_id }),
    reason,
  } as const
  await recordAuditEvent(db, { ...event, outcome: 'started' })
  try {
    await work()
  } catch (error) {
    await recordAuditEvent(db, { ...event, outcome: 'error', error_code: 'broken_off' })
    throw error
  }
  await recordAuditEvent(db, { ...event, outcome: 'ok' })
}

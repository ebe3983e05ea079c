import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { recordAuditEvent } from '../../../../storage/audit.ts'
import {
  audit_columns,
  auditQuery,
  exportAuditEvents,
  searchAuditEvents,
} from '../../../../storage/export-audit-events.ts'
import { runCommand } from '../../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

const program = 'storage/commands/audit/main.ts'

describe('npm run audit', () => {
  let test: TestStore
  const run = (...args: string[]) => runCommand(program, args, { DATABASE_URL: test.url })

  beforeAll(async () => {
    test = await createTestStore()
    await sql`
      insert into audit_events (type, outcome, org_id, user_id, email, client_id, tool, at)
      select 'tool_call', case when n % 2 = 0 then 'ok' else 'error' end,
        case when n % 3 = 0 then 'acme' else 'globex' end, 'usr_' || n % 5,
        'user' || n % 5 || '@acme.example', 'claude', 'tool' || n % 4,
        timestamptz '2026-01-31T00:00:00Z' + n / 2 * interval '1 minute 1 microsecond'
      from generate_series(1, 2500) n`.execute(test.db)
    await sql`analyze audit_events`.execute(test.db)
    await recordAuditEvent(test.db, {
      ...{ type: 'tool_call', outcome: 'refused', org_id: 'evil', user_id: '=cmd|calc' },
      ...{ tool: '@SUM(A1)', reason: 'say "hi",\nbye', client_id: '\t-1', duration_ms: -1.5 },
    })
  })

  afterAll(() => test.close())

  const events = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)

  it('M05 exports every event once, in the order of time, over several pages', async () => {
    const { code, stdout } = await run('export', '--client', 'claude')
    const all = events(stdout)
    expect([code, all.length, new Set(all.map(({ id }) => id)).size]).toEqual([0, 2500, 2500])
    const times = all.map(({ at }) => String(at))
    expect(times).toEqual([...times].sort())
    expect(times[0]).toMatch(/^2026-01-31T00:00:00\.000000Z$/)
  })

  it.each([
    [['--org', 'acme'], 833],
    [['--user', 'usr_3'], 500],
    [['--user', 'user3@acme.example', '--tool', 'tool1'], 125],
    [['--outcome', 'refused'], 1],
    [['--type', 'consent'], 0],
    [['--since', '2026-01-31T10:00:00Z', '--until', '2026-01-31T10:30:00+00:00'], 60],
    [['--until', '2026-01-31T01:00'], 119],
  ])('M05 export %j gives %i events', async (which, count) => {
    const { code, stdout } = await run('export', ...which, '--format', 'csv')
    const [heading, ...lines] = stdout.trimEnd().split('\n')
    expect([code, heading]).toEqual([0, audit_columns.join(',')])
    if (!which.includes('refused')) expect(lines).toHaveLength(count)
  })

  it('M05 shows no org the events of another', async () => {
    const { stdout } = await run('export', '--org', 'acme')
    expect(new Set(events(stdout).map(({ org_id }) => org_id))).toEqual(new Set(['acme']))
  })

  it('M05 no cell of the CSV begins a formula', async () => {
    const { stdout } = await run('export', '--org', 'evil', '--format', 'csv')
    for (const cell of ["'=cmd|calc", "'@SUM(A1)", "'\t-1", '"say ""hi"",\nbye"', '-1.5'])
      expect(stdout).toContain(`,${cell},`)
  })

  it('M05 a page goes on after the last one, in both orders', async () => {
    const filter = { org_id: 'acme' }
    const newest = await searchAuditEvents(test.db, filter, { order: 'desc', limit: 3 })
    const after = newest.at(-1)
    if (!after) throw new Error('there is none')
    const older = await searchAuditEvents(test.db, filter, { after, order: 'desc', limit: 3 })
    const all = []
    for await (const event of exportAuditEvents(test.db, filter)) all.push(event)
    expect([...newest, ...older]).toEqual(all.slice(-6).reverse())
  })

  it.each([
    ['an org', { org_id: 'acme' }],
    ['a user', { user_id: 'usr_1' }],
    ['a tool', { tool: 'tool1' }],
    ['a time', { since: new Date('2026-01-31T10:00:00Z') }],
  ])('K04 M05 the events of %s are found by an index', async (_, filter) => {
    const query = auditQuery(filter, { order: 'asc', limit: 10 })
    const plan = await test.db.transaction().execute(async db => {
      // The other partitions are empty here, and read fastest as a whole.
      await sql`set local enable_seqscan = off`.execute(db)
      const { rows } = await sql<Record<string, string>>`explain (costs off) ${query}`.execute(db)
      return rows.map(row => row['QUERY PLAN']).join('\n')
    })
    expect(plan).toMatch(/Index Scan/)
    expect(plan).not.toContain('Seq Scan')
    expect(plan).not.toMatch(/^ *-> +Sort/m)
  })

  it.each([
    [[], 2, 'npm run --silent audit -- export'],
    [['--help'], 0, 'npm run --silent audit -- export'],
    [['export', '--all'], 2, '--help'],
    [['export', '--org', ''], 2, '--org is empty'],
    [['export', '--format', 'xml'], 2, '--format xml is none of jsonl, csv'],
    [['export', '--outcome', 'fine'], 2, '--outcome fine is none of'],
    [['export', '--since', 'yesterday'], 2, '--since yesterday is not a time'],
    [['prune'], 2, 'only export'],
  ])('%j ends with %i and says what is wrong', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout + stderr]).toEqual([expected, expect.stringContaining(says)])
  })

  it('says that the database is away, and no password', async () => {
    const { code, stderr } = await runCommand(program, ['export'], {
      DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:1/none',
    })
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')])
    expect(stderr).not.toContain('hunter2')
  })
})

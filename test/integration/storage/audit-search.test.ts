import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type RawBuilder, sql } from 'kysely'
import { recordAuditEvents } from '../../../storage/audit.ts'
import type { AuditEvent } from '../../../storage/audit-event.ts'
import type { AuditFilter, AuditReader } from '../../../storage/audit-filter.ts'
import {
  countAuditEvents,
  countQuery,
  type EndCounts,
} from '../../../storage/count-audit-events.ts'
import { auditQuery, exportAuditEvents } from '../../../storage/export-audit-events.ts'
import { readWithin, TookTooLong } from '../../../storage/statement-limit.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const now = new Date()
const month = `audit_events_${now.toISOString().slice(0, 7).replace('-', '_')}`
const [since, until] = [
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth())),
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)),
]

describe('with 30,000 events of 60 orgs', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
    await sql`
      insert into audit_events (type, outcome, org_id, user_id, email, client_id, tool, at)
      select case when n % 50 = 7 then 'consent' else 'tool_call' end,
        case when n % 100 = 13 then 'refused' else 'ok' end, 'org' || n % 60, 'usr_' || n % 300,
        'user' || n % 300 || '@acme.example', 'https://client' || n % 40 || '.example/' ||
        repeat('x', 300), 'tool' || n % 8, date_trunc('month', now(), 'UTC') + n * interval '70 s'
      from generate_series(1, 30000) n`.execute(test.db)
    // Vacuum knows as visible to all only what is on disk, which a commit does not wait for in tests.
    await sql`checkpoint`.execute(test.db)
    await sql`vacuum analyze ${sql.table(month)}`.execute(test.db)
  })

  afterAll(() => test.close())

  const plan = async (query: RawBuilder<unknown>) => {
    const { rows } = await sql<Record<string, string>>`explain (costs off) ${query}`.execute(
      test.db,
    )
    return rows.map(row => row['QUERY PLAN']).join('\n')
  }

  const seen_by = { org_id: 'org7' }
  it.each<[string, AuditFilter, string]>([
    ['time', {}, 'org_id_at_id_type'],
    ['user', { user_id: 'usr_7' }, 'user_id_at'],
    ['email', { email: 'user7@acme.example' }, 'email_at'],
    ['client', { client_id: `https://client7.example/${'x'.repeat(300)}` }, 'org_id_left_at'],
    ['outcome', { outcome: 'refused' }, 'org_id_outcome_at'],
    ['type', { type: 'consent' }, 'org_id_type_at'],
  ])('K04 C02 an org is searched by %s through an index made for it', async (_, filter, index) => {
    const within = { ...filter, since, until, seen_by }
    const found = await plan(auditQuery(within, { order: 'desc', limit: 51 }))
    expect(found).toMatch(new RegExp(`Index Scan.* (using|on) ${month}_${index}`))
    expect(found).not.toContain(`Seq Scan on ${month}`)
  })

  it('K04 C02 an org is searched by tool without reading the table', async () => {
    const filter = { tool: 'tool3', since, until, seen_by }
    const found = await plan(auditQuery(filter, { order: 'desc', limit: 51 }))
    expect(found).toMatch(new RegExp(`Scan.* (using|on) ${month}_(tool_at|org_id_at)`))
    expect(found).not.toContain(`Seq Scan on ${month}`)
  })

  it("K04 C02 a person's events are found by the index of persons", async () => {
    const filter = { since, until, seen_by: { org_ids: ['org7', 'org8'], user_id: 'usr_7' } }
    const found = await plan(auditQuery(filter, { order: 'desc', limit: 51 }))
    expect(found).toMatch(new RegExp(`Index Scan.* (using|on) ${month}_user_id_at`))
    expect(found).not.toContain(`Seq Scan on ${month}`)
  })

  it('K04 C02 counting reads an index only', async () => {
    const found = await plan(countQuery({ type: 'tool_call', since, until, seen_by }, 10))
    expect(found).toContain(`Index Only Scan using ${month}_org_id_at_id_type`)
    expect(found).not.toContain(`Seq Scan on ${month}`)
  })

  it('C02 counts each day and tool of the org, and of no other', async () => {
    const counts = await countAuditEvents(test.db, { since, until, seen_by }, 1)
    const sum = ({ ok = 0, error = 0, refused = 0 }: EndCounts) => ok + error + refused
    expect([...counts.days.values()].reduce((all, day) => all + sum(day), 0)).toBe(500)
    expect(counts.days.size).toBe(Math.ceil((30_000 * 70) / 86_400))
    expect([...counts.days.keys()]).toEqual([...counts.days.keys()].sort())
    expect([...counts.tools.keys()]).toEqual(['tool3'])
    expect(sum(counts.tools.get('tool3') ?? {}) + sum(counts.other_tools.counts)).toBe(500)
    expect(counts.other_tools.tools).toBe(1)
  })
})

describe('an audit reader', () => {
  let test: TestStore
  const alice = { user_id: 'usr_alice', email: 'alice@acme.example', client_id: 'claude' }
  const events: AuditEvent[] = [
    { type: 'sign_in', outcome: 'ok', ...alice, request_id: 'alice, no org' },
    { type: 'tool_call', outcome: 'ok', tool: 't', ...alice, org_id: 'acme', request_id: 'alice' },
    {
      type: 'tool_call',
      outcome: 'ok',
      tool: 't',
      ...alice,
      org_id: 'globex',
      request_id: 'other',
    },
    { type: 'consent', outcome: 'ok', user_id: 'usr_bob', org_id: 'acme', request_id: 'bob' },
    { type: 'rate_limit', outcome: 'refused', limited_by: 'ip', request_id: 'nobody' },
  ]

  beforeAll(async () => {
    test = await createTestStore()
    await recordAuditEvents(test.db, events)
  })

  afterAll(() => test.close())

  const read = async (filter: AuditFilter) => {
    const found = []
    for await (const { request_id } of exportAuditEvents(test.db, filter)) found.push(request_id)
    return found.sort()
  }

  it.each<[string, AuditReader, string[]]>([
    ['an org', { org_id: 'acme' }, ['alice', 'bob']],
    ['a person', { org_ids: ['acme'], user_id: 'usr_alice' }, ['alice', 'alice, no org']],
    [
      'the same, of another org',
      { org_ids: ['globex'], user_id: 'usr_alice' },
      ['alice, no org', 'other'],
    ],
    [
      'the same, of both',
      { org_ids: ['globex', 'acme'], user_id: 'usr_alice' },
      ['alice', 'alice, no org', 'other'],
    ],
    ['the same, of none', { org_ids: [], user_id: 'usr_alice' }, ['alice, no org']],
    ['a stranger', { org_ids: ['acme'], user_id: 'usr_none' }, []],
  ])('C02 M05 reads what is of %s', async (_, seen_by, expected) => {
    expect(await read({ seen_by })).toEqual(expected)
  })

  it.each<AuditFilter>([{ org_id: 'globex' }, { user_id: 'usr_carol' }, { email: alice.email }])(
    'C02 M05 nothing that is asked for widens it: %j',
    async filter => {
      expect(await read({ seen_by: { org_ids: ['acme'], user_id: 'usr_bob' }, ...filter })).toEqual(
        [],
      )
    },
  )

  it('C02 counts what ended, as often as it happened', async () => {
    const at = new Date('2026-11-05T23:59:59.999Z')
    const call = { type: 'tool_call', tool: 'add', org_id: 'count', at } as const
    await recordAuditEvents(test.db, [
      { ...call, outcome: 'started' },
      { ...call, outcome: 'ok' },
      { ...call, outcome: 'refused', count: 40 },
      { ...call, outcome: 'error', tool: 'other', at: new Date('2026-11-06T00:00:00Z') },
      { ...call, outcome: 'ok', tool: 'third' },
      { type: 'token', outcome: 'ok', org_id: 'count', at },
    ])
    const [since, until] = [new Date('2026-11-05T00:00:00Z'), new Date('2026-11-07T00:00:00Z')]
    const filter = { since, until, seen_by: { org_id: 'count' } }
    expect(await countAuditEvents(test.db, filter, 1)).toEqual({
      days: new Map([
        ['2026-11-05', { ok: 3, refused: 40 }],
        ['2026-11-06', { error: 1 }],
      ]),
      tools: new Map([['add', { ok: 1, refused: 40 }]]),
      other_tools: { tools: 2, counts: { ok: 1, error: 1 } },
    })
    expect(await countAuditEvents(test.db, { ...filter, seen_by: { org_id: 'none' } }, 5)).toEqual({
      days: new Map(),
      tools: new Map(),
      other_tools: { tools: 0, counts: {} },
    })
  })

  it('C02 says when the database took too long, and nothing else is called that', async () => {
    const slow = readWithin(test.db, 50, db => sql`select pg_sleep(5)`.execute(db))
    await expect(slow).rejects.toThrow(TookTooLong)
    const wrong = readWithin(test.db, 50, db => sql`select nonsense`.execute(db))
    await expect(wrong).rejects.not.toThrow(TookTooLong)
    const { rows } = await sql`select 1 as one`.execute(test.db)
    expect(rows).toEqual([{ one: 1 }])
  })

  it('C02 M04 the longest texts that a client may send fit every index', async () => {
    const long = (n: number) =>
      Array.from({ length: n }, () => String.fromCharCode(0x4e00 + Math.random() * 0x5000)).join('')
    const texts = {
      org_id: long(256),
      user_id: long(256),
      email: long(320),
      client_id: long(2_048),
    }
    await recordAuditEvents(test.db, [
      { type: 'tool_call', outcome: 'refused', tool: long(128), ...texts },
      { type: 'refusal', outcome: 'refused', tool: long(128), ...texts },
    ])
    const { org_id, ...asked } = texts
    expect(await read({ seen_by: { org_id }, ...asked })).toHaveLength(2)
    const almost = `${texts.client_id.slice(0, -1)}x`
    expect(await read({ seen_by: { org_id }, client_id: almost })).toEqual([])
  })
})

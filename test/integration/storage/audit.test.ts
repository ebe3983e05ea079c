import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  recordAuditEvent,
  recordAuditEvents,
  recordAuditEventsOnce,
} from '../../../storage/audit.ts'
import type { AuditEvent, RateLimitEvent, ToolCallEvent } from '../../../storage/audit-event.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const full: Required<ToolCallEvent> = {
  type: 'tool_call',
  outcome: 'refused',
  request_id: 'req-1',
  user_id: 'usr_alice',
  org_id: 'acme',
  email: 'alice@acme.example',
  client_id: 'https://client.example/metadata.json',
  client_kind: 'verified_host',
  connection_id: 'c1',
  ip: '192.0.2.1',
  tool: 'search_companies',
  argument_digest: 'sha256:00',
  error_code: 'insufficient_scope',
  duration_ms: 12.75,
  reason: 'the connection has no scope for it',
  count: 3,
  at: new Date('2026-01-31T23:59:59.999Z'),
}

const limited: Required<RateLimitEvent> = {
  ...{ type: 'rate_limit', outcome: 'refused', limited_by: 'org', route: 'mcp', tool: 'whoami' },
  ...{ request_id: 'req-2', user_id: 'usr_bob', org_id: 'acme', email: 'bob@acme.example' },
  ...{
    client_id: 'claude',
    client_kind: 'pre_registered',
    connection_id: 'c2',
    ip: '2001:db8::1',
    error_code: 'limited',
  },
  ...{ reason: 'too many', duration_ms: 1, count: 1, at: new Date('2026-02-01T00:00:00Z') },
}

describe('recordAuditEvent', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  const last = () =>
    test.db.selectFrom('audit_events').selectAll().orderBy('id', 'desc').executeTakeFirstOrThrow()

  it.each([full, limited])('M04 M05 keeps every member of a $type, and adds an id', async event => {
    await recordAuditEvent(test.db, event)
    const { id, ...stored } = await last()
    const known = Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== null))
    expect(known).toEqual(event)
    expect(typeof id).toBe('number')
  })

  it('M04 gives an event the time of its writing when it has none', async () => {
    await recordAuditEvent(test.db, { type: 'consent', outcome: 'ok' })
    expect(Math.abs(Date.now() - Number((await last()).at))).toBeLessThan(60_000)
  })

  it('M04 writes all events of one statement, or none', async () => {
    const before = (await last()).id
    const bad = { ...full, outcome: 'maybe' } as unknown as AuditEvent
    await expect(recordAuditEvents(test.db, [full, bad])).rejects.toThrow('check constraint')
    expect((await last()).id).toBe(before)
    await recordAuditEvents(test.db, [full, { ...limited, request_id: 'req-6' }])
    expect((await last()).type).toBe('rate_limit')
  })

  it('M05 puts a rate limit that is told twice on record once', async () => {
    const one = { ...limited, request_id: 'req-3' }
    expect(await recordAuditEventsOnce(test.db, [one, { ...one, request_id: 'req-4' }])).toBe(2)
    expect(await recordAuditEventsOnce(test.db, [one, { ...one, request_id: 'req-5' }])).toBe(1)
  })

  it('M04 takes an event that knows little', async () => {
    await recordAuditEvent(test.db, { type: 'registration', outcome: 'started' })
    expect(await last()).toMatchObject({ type: 'registration', outcome: 'started', user_id: null })
  })

  it('M04 records what a client sent even when PostgreSQL has no such text', async () => {
    await recordAuditEvent(test.db, { ...full, tool: 'a\0b', reason: '\uD800 alone' })
    expect(await last()).toMatchObject({ tool: 'a\uFFFDb', reason: '\uFFFD alone' })
  })

  it('M04 takes an org that a connection would refuse: the refusal is to be on record', async () => {
    await recordAuditEvent(test.db, { ...full, org_id: 'usr_acme' })
    expect(await last()).toMatchObject({ org_id: 'usr_acme' })
  })

  it('M04 rejects when it cannot be written', async () => {
    const nonsense = { ...full, outcome: 'maybe' } as unknown as AuditEvent
    await expect(recordAuditEvent(test.db, nonsense)).rejects.toThrow('check constraint')
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type AuditEvent, recordAuditEvent } from '../../../storage/audit.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const full: Required<AuditEvent> = {
  type: 'tool_call',
  outcome: 'refused',
  request_id: 'req-1',
  user_id: 'usr_alice',
  org_id: 'acme',
  email: 'alice@acme.example',
  client_id: 'https://client.example/metadata.json',
  connection_id: 'c1',
  tool: 'search_companies',
  argument_digest: 'sha256:00',
  error_code: 'insufficient_scope',
  duration_ms: 12.75,
  reason: 'the connection has no scope for it',
}

describe('recordAuditEvent', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  const last = () =>
    test.db.selectFrom('audit_events').selectAll().orderBy('id', 'desc').executeTakeFirstOrThrow()

  it('M04 keeps every member, and adds id and time', async () => {
    await recordAuditEvent(test.db, full)
    const { id, at, ...event } = await last()
    expect(event).toEqual(full)
    expect(typeof id).toBe('number')
    expect(Math.abs(Date.now() - Number(at))).toBeLessThan(60_000)
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

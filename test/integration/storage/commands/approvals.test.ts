import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { rememberApproval } from '../../../../storage/approvals.ts'
import { createConnection } from '../../../../storage/connections.ts'
import { parseKeyRing } from '../../../../storage/key-ring.ts'
import { secretRing } from '../../../support/config.ts'
import { runCommand } from '../../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

const STORAGE_KEYS = secretRing('storage')

describe('npm run approvals', () => {
  let test: TestStore
  const run = (...args: string[]) =>
    runCommand('storage/commands/approvals/main.ts', args, { DATABASE_URL: test.url, STORAGE_KEYS })
  const left = async () =>
    (await test.db.selectFrom('approvals').select(['user_id', 'client_id']).execute())
      .map(({ user_id, client_id }) => `${user_id} ${client_id}`)
      .sort()

  beforeAll(async () => {
    test = await createTestStore()
  })
  afterAll(() => test.close())
  beforeEach(async () => {
    for (const table of ['approvals', 'connections', 'audit_events'] as const)
      await test.db.deleteFrom(table).execute()
    for (const user_id of ['usr_alice', 'usr_bob'])
      for (const client_id of ['claude', 'cur\u001b[2Jsor'])
        await rememberApproval(
          test.db,
          { user_id, org_id: 'acme', client_id, redirect: 'cursor:', resource: 'r' },
          { scopes: ['mcp:tools'], skips_consent: true },
        )
    await createConnection(
      { db: test.db, ring: parseKeyRing(STORAGE_KEYS) },
      {
        id: 'con_1',
        user_id: 'usr_alice',
        org_id: 'acme',
        client_id: 'claude',
        idp_id: 'okta',
        expires_at: new Date(Date.now() + 3_600_000),
        profile: { email: 'alice@acme.example', roles: [], idp_sub: 'alice' },
      },
    )
  })

  it('A08 lists them, as a table without control characters and as JSON', async () => {
    const table = await run('list')
    expect([table.code, table.stderr]).toEqual([0, '4 approvals.\n'])
    expect(table.stdout).toContain('usr_bob')
    expect(table.stdout).not.toContain('\u001b')
    const { stdout } = await run('list', '--user', 'usr_bob', '--client', 'claude', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      user_id: 'usr_bob',
      org_id: 'acme',
      redirect: 'cursor:',
      scopes: ['mcp:tools'],
      skips_consent: true,
    })
  })

  it('A08 forgets those of a user, by email too, on record', async () => {
    const { code, stdout } = await run(
      ...['forget', '--user', 'Alice@acme.example', '--yes', '--reason', 'a test'],
    )
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 2])
    expect(await left()).toEqual(['usr_bob claude', 'usr_bob cur\u001b[2Jsor'])
    const events = await test.db.selectFrom('audit_events').selectAll().execute()
    expect(events).toHaveLength(2)
    for (const event of events)
      expect(event).toMatchObject({
        type: 'revocation',
        user_id: 'usr_alice',
        org_id: 'acme',
        reason: 'approval forgotten, operator: a test',
      })
  })

  it.each([
    [[], 2, 'npm run approvals -- list'],
    [['--help'], 0, 'npm run approvals -- list'],
    [['forget'], 2, 'Say whose'],
    [['forget', '--user', ''], 2, '--user is empty'],
    [['forget', '--org', 'acme'], 2, '4 approvals'],
    [['forget', '--org', 'globex'], 1, 'nothing was forgotten'],
    [['forget', '--user', 'nobody@acme.example'], 1, 'nothing was forgotten'],
    [['forget', '--all'], 2, '--help'],
    [['revoke'], 2, 'only list and forget'],
  ])('%j ends with %i, says why, and forgets nothing', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout + stderr]).toEqual([expected, expect.stringContaining(says)])
    expect(stderr).not.toMatch(/^ +at /m)
    expect(await left()).toHaveLength(4)
  })
})

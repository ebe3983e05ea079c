import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createConnection } from '../../../../storage/connections.ts'
import { parseKeyRing } from '../../../../storage/key-ring.ts'
import { requestClient } from '../../../../storage/org-clients.ts'
import { secretRing } from '../../../support/config.ts'
import { runCommand } from '../../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

const STORAGE_KEYS = secretRing('storage')

describe('npm run clients', () => {
  let test: TestStore
  const run = (...args: string[]) =>
    runCommand('storage/commands/clients/main.ts', args, { DATABASE_URL: test.url, STORAGE_KEYS })
  const which = ['--org', 'acme', '--client', 'claude']

  beforeAll(async () => {
    test = await createTestStore()
    for (const user_id of ['usr_alice', 'usr_bob'])
      await requestClient(test.db, {
        ...{ org_id: 'acme', client_id: 'claude', user_id },
        client_name: 'Cl\u001b[2Jaude',
      })
    for (const id of ['con_1', 'con_2'])
      await createConnection(
        { db: test.db, ring: parseKeyRing(STORAGE_KEYS) },
        {
          ...{ id, user_id: 'usr_alice', org_id: 'acme', client_id: 'claude', idp_id: 'okta' },
          expires_at: new Date(Date.now() + 3_600_000),
          profile: { email: 'alice@acme.example', roles: [], idp_sub: 'alice' },
        },
      )
  })
  afterAll(() => test.close())

  it('R09 lists who asked, approves, refuses, and blocks with its connections, on record', async () => {
    const table = await run('list', '--org', 'acme')
    expect(table.stdout).toMatch(/^waiting {2}acme {2}claude .*usr_alice usr_bob/)
    expect(table.stdout).not.toContain('\u001b')
    expect((await run('approve', ...which)).stdout).toContain('approved claude for acme')
    expect((await run('refuse', ...which, '--json')).stdout).toContain('"ended":0')
    const hesitant = await run('block', ...which)
    expect([hesitant.code, hesitant.stderr]).toEqual([2, expect.stringContaining('--yes')])
    const blocked = await run('block', ...which, '--yes', '--reason', 'a test')
    expect(blocked.stdout).toContain('2 connections were ended')
    const listed = await run('list', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject({ status: 'blocked', decided_by: 'operator' })
    const events = await test.db.selectFrom('audit_events').selectAll().orderBy('id').execute()
    expect(events.map(({ type, error_code }) => error_code ?? type)).toEqual([
      'client_approved',
      'client_refused',
      'client_blocked',
      'revocation',
      'revocation',
    ])
    expect(events[2]).toMatchObject({ org_id: 'acme', reason: 'operator: a test' })
  }, 120_000)

  it.each([
    [[], 2, 'npm run clients -- list'],
    [['--help'], 0, 'npm run clients -- list'],
    [['approve', '--org', 'acme'], 2, '--org and --client'],
    [['block', '--org', '', '--client', 'x'], 2, '--org is empty'],
    [['remove'], 2, 'only list, approve, refuse and block'],
    [['list', '--nonsense'], 2, '--help'],
  ])('R09 %j ends with %i and says why', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout + stderr]).toEqual([expected, expect.stringContaining(says)])
    expect(stderr).not.toMatch(/^ +at /m)
  })
})

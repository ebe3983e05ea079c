import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createConnection } from '../../../../storage/connections.ts'
import { upsertRecord } from '../../../../storage/records.ts'
import { secretRing } from '../../../support/config.ts'
import { parseKeyRing } from '../../../../storage/key-ring.ts'
import { runCommand } from '../../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

const program = 'storage/commands/connections/main.ts'
const STORAGE_KEYS = secretRing('storage')

describe('npm run connections', () => {
  let test: TestStore
  const run = (...args: string[]) =>
    runCommand(program, args, { DATABASE_URL: test.url, STORAGE_KEYS })

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  beforeEach(async () => {
    for (const table of ['connections', 'oidc_records', 'audit_events'] as const)
      await test.db.deleteFrom(table).execute()
    const store = { db: test.db, ring: parseKeyRing(STORAGE_KEYS) }
    for (const [name, org_id] of [
      ['alice', 'acme'],
      ['bob', 'acme'],
      ['carol', 'globex'],
    ] as const)
      for (const client_id of ['claude', 'cursor', 'goose'])
        for (const nth of [1, 2])
          await createConnection(store, {
            id: `con_${name}_${client_id}_${nth}`,
            user_id: `usr_${name}`,
            org_id,
            client_id,
            idp_id: 'okta',
            expires_at: new Date(Date.now() + 3_600_000),
            profile: { email: `${name}@${org_id}.example`, roles: [], idp_sub: name },
          })
    for (const session of ['s1', 's2'])
      await upsertRecord(store, 'Session', session, {}, { user_id: 'usr_alice' })
  })

  const active = async () =>
    (
      await test.db
        .selectFrom('connections')
        .select('id')
        .where('status', '=', 'active')
        .orderBy('id')
        .execute()
    ).map(({ id }) => id)

  const lines = (text: string) =>
    text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>)

  it('T08 disabling a user with 3 clients and 2 connections each ends all six, and the browser sessions', async () => {
    const { code, stderr } = await run('revoke', '--user', 'Alice@acme.example', '--yes')
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('6 connections and 2 browser sessions were ended'),
    ])
    expect((await active()).filter(id => id.includes('alice'))).toEqual([])
    expect(await active()).toHaveLength(12)
    expect(await test.db.selectFrom('oidc_records').selectAll().execute()).toEqual([])
    const events = await test.db.selectFrom('audit_events').selectAll().execute()
    expect(events).toHaveLength(6)
    for (const event of events)
      expect(event).toMatchObject({
        type: 'revocation',
        outcome: 'ok',
        user_id: 'usr_alice',
        org_id: 'acme',
        email: 'alice@acme.example',
        reason: 'operator',
      })
  })

  it.each([
    [['--org', 'globex'], 6],
    [['--client', 'claude'], 6],
    [['--client', 'claude', '--org', 'acme'], 4],
    [['--idp', 'okta'], 18],
    [['--user', 'usr_bob'], 6],
  ])('T08 revoke %j ends %i and says which', async (which, count) => {
    const { code, stdout } = await run('revoke', ...which, '--yes', '--json', '--reason', 'a test')
    expect(code).toBe(0)
    expect(lines(stdout)).toHaveLength(count)
    expect(await active()).toHaveLength(18 - count)
    const reasons = await test.db.selectFrom('audit_events').select('reason').distinct().execute()
    expect(reasons).toEqual([{ reason: 'operator: a test' }])
  })

  it('T08 one connection is ended without a question', async () => {
    const { code, stdout } = await run('revoke', '--connection', 'con_bob_claude_1')
    expect([code, stdout]).toEqual([0, 'ended con_bob_claude_1\n'])
    expect(await active()).toHaveLength(17)
  })

  it('T08 more than one asks first, and without a terminal ends nothing', async () => {
    const { code, stderr } = await run('revoke', '--org', 'acme')
    expect([code, stderr]).toEqual([2, expect.stringContaining('12 connections')])
    expect(stderr).toContain('--yes')
    expect(await active()).toHaveLength(18)
  })

  it('T08 a connection that is not there is told apart from one that was ended', async () => {
    const { code, stderr } = await run('revoke', '--connection', 'con_nobody')
    expect([code, stderr]).toEqual([1, expect.stringContaining('nothing was ended')])
  })

  it('T08 lists who granted what to whom, as a table and as JSON', async () => {
    await run('revoke', '--connection', 'con_carol_goose_1')
    const table = await run('list', '--org', 'globex')
    expect([table.code, table.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^ID +USER/),
    ])
    expect(table.stdout).toContain('carol@globex.example')
    expect(table.stdout).not.toContain('con_carol_goose_1')
    expect(table.stdout).not.toContain('alice')
    const { stdout } = await run('list', '--user', 'carol@globex.example', '--ended', '--json')
    expect(lines(stdout)).toHaveLength(6)
    expect(lines(stdout).find(({ id }) => id === 'con_carol_goose_1')).toMatchObject({
      status: 'ended',
      ended_reason: 'operator',
      email: 'carol@globex.example',
    })
  })

  it('T08 lists more than a page, each once', async () => {
    await test.db.deleteFrom('connections').execute()
    const ids = Array.from({ length: 1_203 }, (_, index) => `con_${String(index).padStart(4, '0')}`)
    await test.db
      .insertInto('connections')
      .values(
        ids.map(id => ({
          id,
          user_id: 'usr_x',
          org_id: 'acme',
          client_id: 'c\u001b[2Jlaude',
          idp_id: 'okta',
          expires_at: new Date(Date.now() + 3_600_000),
          profile: Buffer.from('does not open'),
        })),
      )
      .execute()
    const { stdout } = await run('list', '--json')
    expect(lines(stdout).map(({ id }) => id)).toEqual(ids)
    const table = await run('list')
    expect(table.stdout).not.toContain('\u001b')
  })

  it.each([
    [[], 2, 'npm run connections -- list'],
    [['--help'], 0, 'npm run connections -- list'],
    [['revoke'], 2, 'Say whose'],
    [['revoke', '--all'], 2, '--help'],
    [['list', '--user', ''], 2, '--user is empty'],
    [['destroy'], 2, 'only list and revoke'],
    [['list', 'x'], 2, 'x: what is this?'],
    [['list', '--env', '/nowhere'], 2, '--env /nowhere cannot be read'],
  ])('%j ends with %i and says what is wrong', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout + stderr]).toEqual([expected, expect.stringContaining(says)])
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('K02 names every setting that is missing or wrong, and no secret', async () => {
    const missing = await runCommand(program, ['list'])
    expect(missing.code).toBe(2)
    for (const says of ['DATABASE_URL is not set', 'STORAGE_KEYS is not set', '--env'])
      expect(missing.stderr).toContain(says)
    const wrong = await runCommand(program, ['list'], {
      DATABASE_URL: 'mysql://user:hunter2@host/db',
      STORAGE_KEYS: '{"keys":[{"kty":"oct","kid":"a","k":"c2hvcnQ"}]}',
    })
    expect(wrong.stderr).toContain('DATABASE_URL is not a postgresql:// URL')
    expect(wrong.stderr).toContain('k is not 32 bytes')
    expect(wrong.stderr).not.toMatch(/hunter2|c2hvcnQ/)
  })

  it('K02 with other keys it ends what it cannot read', async () => {
    const { code, stdout } = await runCommand(
      program,
      ['revoke', '--org', 'globex', '--yes', '--json'],
      { DATABASE_URL: test.url, STORAGE_KEYS: secretRing('storage') },
    )
    expect(code).toBe(0)
    expect(lines(stdout)).toHaveLength(6)
  })

  it('says that the database is away', async () => {
    const { code, stderr } = await runCommand(program, ['list'], {
      DATABASE_URL: 'postgresql://nobody:hunter2@127.0.0.1:1/none',
      STORAGE_KEYS,
    })
    expect([code, stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')])
    expect(stderr).not.toContain('hunter2')
  })
})

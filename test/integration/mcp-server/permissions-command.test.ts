import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { createConnection } from '../../../storage/connections.ts'
import type { KeyRing } from '../../../storage/key-ring.ts'
import { runCommand } from '../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

function jwksOf(ring: KeyRing): string {
  const keys = ring.map(({ kid, key }) => {
    return { kty: 'oct', kid, k: Buffer.from(key).toString('base64url') }
  })
  return JSON.stringify({ keys })
}

describe('M02 npm run permissions', () => {
  let test: TestStore
  let folder: string
  let env: Record<string, string>
  beforeAll(async () => {
    test = await createTestStore()
    folder = await mkdtemp(join(tmpdir(), 'permissions-'))
    env = { DATABASE_URL: test.url, STORAGE_KEYS: jwksOf(test.store.ring) }
    const connect = (id: string, org_id: string, roles: string[]) =>
      createConnection(test.store, {
        ...{ id, user_id: 'usr_erin', org_id, client_id: 'c', idp_id: 'dev' },
        expires_at: new Date(Date.now() + 3_600_000),
        profile: { email: 'erin@acme.example', roles, idp_sub: 's' },
      })
    await connect('con_a', 'acme', ['viewer'])
    await sql`update connections set created_at = created_at - interval '1 day'`.execute(test.db)
    await connect('con_b', 'acme', ['analyst'])
    await connect('con_c', 'globex', ['viewer'])
  })
  afterAll(async () => {
    await test.close()
    await rm(folder, { recursive: true })
  })

  const permissions = (args: readonly string[], variables: Record<string, string> = {}) =>
    runCommand('mcp-server/permissions/command/main.ts', args, variables)

  it('says why, for each organization of a person, as they signed in last', async () => {
    const args = ['explain', '--user', 'erin@acme.example', '--tool', 'add_to_list']
    const { code, stdout } = await permissions(args, env)
    expect(stdout).toMatch(/Yes: add_to_list, in acme, as analyst/)
    expect(stdout).toMatch(/No: add_to_list, in globex, as viewer\n(.*\n)*.*Missing: .*lists:write/)
    expect(code).toBe(1)
    const acme = await permissions([...args, '--org', 'acme', '--json'], env)
    expect(JSON.parse(acme.stdout)).toMatchObject({ org_id: 'acme', allowed: true })
    expect(acme.code).toBe(0)
  })

  it('says that somebody is not known', async () => {
    const args = ['explain', '--user', 'nobody@acme.example', '--tool', 'whoami']
    const { code, stderr } = await permissions(args, env)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no active connection.*--roles/)])
  })

  it.each<[string[], number, RegExp]>([
    [['list'], 0, /viewer: whoami, search_companies, get_company, list_saved_lists\n/],
    [['check'], 0, /is valid: 3 roles, 5 tools/],
    [['explain', '--tool', 'whoami', '--roles', ''], 0, /Yes: whoami/],
    [['explain', '--tool', 'add_to_list', '--roles', 'viewer'], 1, /Missing/],
    [['explain', '--tool', 'fly', '--roles', 'viewer'], 2, /Say which tool/],
    [['explain', '--tool', 'whoami'], 2, /either --user or --roles/],
    [
      ['explain', '--tool', 'get_company', '--roles', 'a', '--argument', 'id=7'],
      2,
      /arguments of get_company are not valid/,
    ],
    [['explain', '--tool', 'get_company', '--roles', 'a', '--argument', 'id'], 2, /NAME=VALUE/],
    [['explain', '--tool', 'whoami', '--user', 'a@b.example'], 2, /DATABASE_URL is not set/],
    [['fly'], 2, /There is no command "fly"/],
    [['check', '--fil', 'x'], 2, /--help/],
    [['check', '--file', 'nowhere.yml'], 2, /nowhere.yml cannot be read/],
    [['--help'], 0, /Exits 0/],
    [[], 2, /Exits 0/],
  ])('%j ends with %i', async (args, code, says) => {
    const done = await permissions(args)
    expect(done.stdout + done.stderr).toMatch(says)
    expect(done.code).toBe(code)
  })

  it('tells every problem of a file', async () => {
    const file = join(folder, 'permissions.yml')
    await writeFile(file, 'tools: {whoami: {everyone: true}}')
    const { code, stderr } = await permissions(['check', '--file', file])
    expect(code).toBe(1)
    expect(stderr.match(/is missing/g)).toHaveLength(4)
  })
})

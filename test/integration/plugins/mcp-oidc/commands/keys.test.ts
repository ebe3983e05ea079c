import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { parseKeyRing } from '../../../../../storage/key-ring.ts'
import { idHash } from '../../../../../storage/digest.ts'
import { findRecord, upsertRecord } from '../../../../../storage/records.ts'
import { rawConfig, secretRing, signingRing } from '../../../../support/config.ts'
import { type CommandRun, runCommand } from '../../../../support/run-command.ts'
import { createTestStore, type TestStore } from '../../../../support/store.ts'

const program = 'plugins/mcp-oidc/commands/keys/main.ts'

describe('npm run keys', () => {
  let folder: string
  let test: TestStore
  let file: string
  let secrets: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keys-'))
    test = await createTestStore()
  })
  afterAll(async () => {
    await test.close()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    await test.db.deleteFrom('oidc_records').execute()
    file = join(folder, `${Math.trunc(performance.now() * 1000)}.env`)
    const rings = [signingRing('s1'), secretRing('st1'), secretRing('c1')]
    secrets = rings.map(secretOf)
    await writeFile(
      file,
      `# Kong\nDATABASE_URL=${test.url}\nSIGNING_KEYS=${rings[0]}\nSTORAGE_KEYS=${rings[1]}\nCOOKIE_KEYS=${rings[2]}\nLAST=1\n`,
    )
  })

  const run = (...args: string[]) => runCommand(program, args)
  const here = (...args: string[]) => run(...args, '--env', file)
  const environment = async (): Promise<Record<string, string | undefined>> =>
    parseEnv(await readFile(file, 'utf8'))
  const storage = async () => parseKeyRing((await environment())['STORAGE_KEYS'] ?? '')
  const kids = async () => (await storage()).map(({ kid }) => kid)
  const store = async () => ({ db: test.db, ring: await storage() })

  function expectNoSecret({ stdout, stderr }: CommandRun): void {
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret)
  }

  it('K02 new makes three rings that the plugin accepts, in a file for its owner only', async () => {
    const out = join(folder, 'gateway.env')
    const made = await run('new', '--out', out)
    expect([made.code, made.stderr]).toEqual([0, ''])
    expect((await stat(out)).mode & 0o777).toBe(0o600)
    const { SIGNING_KEYS, STORAGE_KEYS, COOKIE_KEYS } = parseEnv(await readFile(out, 'utf8'))
    const config = rawConfig({
      ...{ signing_keys: SIGNING_KEYS, storage_keys: STORAGE_KEYS, cookie_keys: COOKIE_KEYS },
    })
    expect(() => parseConfig(config)).not.toThrow()
    for (const ring of [SIGNING_KEYS, STORAGE_KEYS, COOKIE_KEYS])
      expect(made.stdout).not.toContain(secretOf(ring ?? ''))
    const again = await run('new', '--out', out)
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('EEXIST')])
  })

  it('K02 new prints the ring that is asked for, another one each time', async () => {
    const first = await run('new', '--ring', 'storage', '--kid', 'mine')
    const second = await run('new', '--ring', 'storage', '--kid', 'mine')
    expect(parseKeyRing(first.stdout).map(({ kid }) => kid)).toEqual(['mine'])
    expect(second.stdout).not.toBe(first.stdout)
  })

  it('K03 appends last, promotes to first, removes, and leaves the rest of the file alone', async () => {
    const before = await environment()
    const appended = await here('rotate', 'append', '--ring', 'storage', '--kid', 'st2', '--write')
    expect([appended.code, appended.stdout]).toEqual([0, ''])
    expect(await kids()).toEqual(['st1', 'st2'])
    expect(
      (await here('rotate', 'promote', '--ring', 'storage', '--kid', 'st2', '--write')).code,
    ).toBe(0)
    expect(await kids()).toEqual(['st2', 'st1'])
    const removed = await here('rotate', 'remove', '--ring', 'storage', '--kid', 'st1', '--write')
    expect(removed.code).toBe(0)
    expect(await kids()).toEqual(['st2'])
    const { STORAGE_KEYS, ...rest } = await environment()
    expect({ ...rest, STORAGE_KEYS: before['STORAGE_KEYS'] }).toEqual(before)
    expect(STORAGE_KEYS).not.toBe(before['STORAGE_KEYS'])
    for (const result of [appended, removed]) expectNoSecret(result)
  })

  it('K03 removes no key that is first, is the last, or still seals a row', async () => {
    await upsertRecord(await store(), 'Session', 's1', { a: 1 }, {})
    const first = await here('rotate', 'remove', '--ring', 'storage', '--kid', 'st1', '--write')
    expect([first.code, first.stderr]).toEqual([2, expect.stringContaining('Promote another')])
    await here('rotate', 'append', '--ring', 'storage', '--kid', 'st2', '--write')
    await here('rotate', 'promote', '--ring', 'storage', '--kid', 'st2', '--write')
    const needed = await here('rotate', 'remove', '--ring', 'storage', '--kid', 'st1', '--write')
    expect([needed.code, needed.stderr]).toEqual([
      2,
      expect.stringContaining('still seals 1 values'),
    ])
    const { STORAGE_KEYS = '' } = await environment()
    const blind = ['rotate', 'remove', '--ring', 'storage', '--kid', 'st1']
    const unknown = await runCommand(program, blind, { STORAGE_KEYS })
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('--unchecked')])
    expect((await runCommand(program, [...blind, '--unchecked'], { STORAGE_KEYS })).code).toBe(0)
    expect(await kids()).toEqual(['st2', 'st1'])
    for (const result of [first, needed, unknown]) expectNoSecret(result)
  })

  it('K03 reseals what opens, names what does not, and says so with its exit code', async () => {
    await upsertRecord(await store(), 'Session', 's1', { a: 1 }, {})
    const lost = { db: test.db, ring: parseKeyRing(secretRing('lost')) }
    await upsertRecord(lost, 'Session', 's2', { a: 2 }, {})
    await here('rotate', 'append', '--ring', 'storage', '--kid', 'st2', '--write')
    await here('rotate', 'promote', '--ring', 'storage', '--kid', 'st2', '--write')
    const listed = await here('list')
    expect([listed.code, listed.stderr]).toEqual([
      1,
      expect.stringContaining('"lost", which is not'),
    ])
    const some = await here('reseal')
    expect([some.code, some.stdout]).toEqual([
      1,
      expect.stringMatching(/not opened: oidc_records\/Session\/.*"lost".*\n1 values are sealed/),
    ])
    await test.db
      .deleteFrom('oidc_records')
      .where('id_hash', 'not in', [idHash('s1')])
      .execute()
    const rest = await here('reseal', '--json')
    expect([rest.code, JSON.parse(rest.stdout)]).toEqual([
      0,
      { first: 'st2', resealed: 0, overtaken: 0, unopened: 0, left: 0, interrupted: false },
    ])
    const [fresh] = await storage()
    expect((await findRecord({ db: test.db, ring: [fresh] }, 'Session', 's1'))?.payload).toEqual({
      a: 1,
    })
    for (const result of [listed, some, rest]) expectNoSecret(result)
  })

  it('K03 lists the kids in their order without a secret', async () => {
    const { code, stdout } = await here('list', '--json')
    expect(code).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown),
    ).toEqual([
      { ring: 'signing', kid: 's1', use: 'first', seals: null },
      { ring: 'storage', kid: 'st1', use: 'first', seals: 0 },
      { ring: 'cookie', kid: 'c1', use: 'first', seals: null },
    ])
    expectNoSecret(await here('list'))
  })

  it('K02 refuses a ring that the plugin would refuse, and one of two values', async () => {
    const { STORAGE_KEYS = '', COOKIE_KEYS = '' } = await environment()
    const shared = await runCommand(program, ['rotate', 'append', '--ring', 'cookie'], {
      ...{ STORAGE_KEYS, COOKIE_KEYS: STORAGE_KEYS },
    })
    expect([shared.code, shared.stderr]).toEqual([
      2,
      expect.stringContaining('make a separate one'),
    ])
    const env = ['list', '--env', file]
    const two = await runCommand(program, env, { STORAGE_KEYS: COOKIE_KEYS })
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining('Unset one of them')])
    for (const result of [shared, two]) expectNoSecret(result)
  })

  it.each([
    [[], 2, 'npm run keys -- new'],
    [['--help'], 0, 'npm run keys -- new'],
    [['rotate', 'append', '--help'], 0, 'npm run keys -- new'],
    [['rotate'], 2, 'There is no command "rotate"'],
    [['rotate', 'append'], 2, 'Say which ring'],
    [['rotate', 'promote', '--ring', 'cookie'], 2, 'Say which key'],
    [['new', '--ring', 'session'], 2, 'There is no ring "session"'],
    [['new', '--kid', 'x'], 2, '--kid names one key'],
    [['list', '--out', 'x'], 2, '--out means nothing to list'],
    [['list', '--file', 'x'], 2, 'say which, with --ring'],
    [['list', '--env', '/nowhere'], 2, '--env /nowhere cannot be read'],
    [['list'], 1, 'STORAGE_KEYS is not set'],
    [['reseal'], 2, 'STORAGE_KEYS is not set'],
    [['new', '--force'], 2, '--help'],
  ])('%j ends with %i and says what is wrong', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout + stderr]).toEqual([expected, expect.stringContaining(says)])
    expect(stderr).not.toMatch(/^ +at /m)
  })
})

function secretOf(ring: string): string {
  const [key] = (JSON.parse(ring) as { keys: Record<string, string>[] }).keys
  return key?.['d'] ?? key?.['k'] ?? 'no key'
}

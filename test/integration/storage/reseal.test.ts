import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { untilReady } from '../../../gateway/local/stack/readiness.ts'
import { countSealed } from '../../../storage/count-sealed.ts'
import { createConnection, findConnection } from '../../../storage/connections.ts'
import { findIdpStanding } from '../../../storage/connection-lease.ts'
import { findUsers } from '../../../storage/end-connections.ts'
import type { KeyRing } from '../../../storage/key-ring.ts'
import { findRecord, replaceRecord, upsertRecord } from '../../../storage/records.ts'
import { reseal, type Resealed, type Unopened } from '../../../storage/reseal.ts'
import { seal } from '../../../storage/seal.ts'
import { sealed_tables } from '../../../storage/sealed-tables.ts'
import { testKey } from '../../support/key-ring.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const [old, fresh, lost] = [testKey('old'), testKey('fresh'), testKey('lost')]
const both: KeyRing = [fresh, old]

describe('resealing', () => {
  let test: TestStore
  const at = (...ring: KeyRing) => ({ db: test.db, ring })

  beforeAll(async () => {
    test = await createTestStore()
  })
  afterAll(() => test.close())
  beforeEach(async () => {
    for (const table of ['connections', 'oidc_records'] as const)
      await test.db.deleteFrom(table).execute()
  })

  const connection = (id: string, ...ring: KeyRing) =>
    createConnection(at(...ring), {
      id,
      user_id: `usr_${id}`,
      org_id: 'acme',
      client_id: 'claude',
      idp_id: 'okta',
      expires_at: new Date(Date.now() + 3_600_000),
      profile: { email: `${id}@acme.example`, roles: ['admin'], idp_sub: id, idp_sid: `sid-${id}` },
      idp_refresh_token: `token-${id}`,
    })

  async function run(
    ring: KeyRing,
    options: { signal?: AbortSignal; progress?: (so_far: Resealed) => void } = {},
  ) {
    const unopened: Unopened[] = []
    const done = await reseal(at(...ring), {
      signal: options.signal ?? new AbortController().signal,
      progress: options.progress ?? (() => undefined),
      unopened: value => unopened.push(value),
    })
    return { done, unopened }
  }

  const counts = async () => Object.fromEntries((await countSealed(test.db)).by_kid)

  it('K03 seals and hashes everything with the first key; then the old one is not needed', async () => {
    await connection('alice', old)
    await connection('bob', fresh, old)
    await upsertRecord(at(old), 'RefreshToken', 'r1', { grantId: 'alice' }, {})
    const next = { id: 'r2', payload: { grantId: 'alice' }, keys: {} }
    expect(await replaceRecord(at(old), 'RefreshToken', 'r1', next)).toBe(true)
    expect(await counts()).toEqual({ old: 5, fresh: 2 })

    const { done, unopened } = await run(both)
    expect([done, unopened]).toEqual([{ resealed: 5, overtaken: 0, unopened: 0 }, []])
    expect(await counts()).toEqual({ fresh: 7 })

    const store = at(fresh)
    for (const id of ['alice', 'bob']) {
      const email = `${id}@acme.example`
      expect((await findConnection(store, id))?.profile).toEqual({
        ...{ email, roles: ['admin'], idp_sub: id, idp_sid: `sid-${id}` },
      })
      expect((await findIdpStanding(store, id))?.idp_refresh_token).toBe(`token-${id}`)
      expect(await findUsers(store, { email })).toEqual([`usr_${id}`])
      expect(await findUsers(store, { idp_id: 'okta', idp_sid: `sid-${id}` })).toEqual([
        `usr_${id}`,
      ])
    }
    expect((await findRecord(store, 'RefreshToken', 'r1'))?.successor).toBe('r2')
    expect((await findRecord(store, 'RefreshToken', 'r2'))?.payload).toEqual({ grantId: 'alice' })
    expect((await run(both)).done).toEqual({ resealed: 0, overtaken: 0, unopened: 0 })
  })

  it('K03 without it nothing of the old key is found any more: the test above can fail', async () => {
    await connection('alice', old)
    await expect(findConnection(at(fresh), 'alice')).rejects.toMatchObject({ code: 'unknown_key' })
    expect(await findUsers(at(fresh), { email: 'alice@acme.example' })).toEqual([])
    expect(await findUsers(at(...both), { email: 'alice@acme.example' })).toEqual(['usr_alice'])
  })

  it('K03 names what does not open, leaves it as it is, and goes on with the rest', async () => {
    await connection('a-lost', lost)
    await connection('b-cut', old)
    await connection('c-changed', old)
    await connection('d-nonsense', old)
    await connection('e-good', old)
    await test.db.updateTable('connections').set({ idp_refresh_token: null }).execute()
    const set = (id: string, profile: ReturnType<typeof sql<Buffer>>) =>
      test.db.updateTable('connections').set({ profile }).where('id', '=', id).execute()
    await set('b-cut', sql`substring(profile from 1 for 20)`)
    await set('c-changed', sql`set_byte(profile, 60, get_byte(profile, 60) # 1)`)
    await set('d-nonsense', sql`'\\x00'`)
    const before = await test.db.selectFrom('connections').selectAll().orderBy('id').execute()

    const { done, unopened } = await run(both)
    expect(done).toEqual({ resealed: 1, overtaken: 0, unopened: 4 })
    expect(unopened.map(({ name, code }) => [name, code])).toEqual([
      ['connections/a-lost', 'unknown_key'],
      ['connections/b-cut', 'malformed'],
      ['connections/c-changed', 'tampered'],
      ['connections/d-nonsense', 'malformed'],
    ])
    expect(unopened[0]?.message).toContain('"lost"')
    const after = await test.db.selectFrom('connections').selectAll().orderBy('id').execute()
    expect(after.slice(0, 4)).toEqual(before.slice(0, 4))
    expect(await countSealed(test.db)).toEqual({
      by_kid: new Map([
        ['lost', 1],
        ['old', 2],
        ['fresh', 1],
      ]),
      malformed: 1,
    })
  })

  it('K03 leaves a value alone that somebody wrote since it was read', async () => {
    await connection('alice', old)
    const written = seal([old], 'connections/alice', { newer: true })
    const waiting = async () => {
      const { rows } = await sql`
        select from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`.execute(test.db)
      expect(rows).toHaveLength(1)
    }
    const signal = AbortSignal.timeout(10_000)
    const resealing = await test.db.transaction().execute(async transaction => {
      await transaction.updateTable('connections').set({ profile: written }).execute()
      // It reads the row as it was before, and cannot write it before this is committed.
      const running = run(both)
      await untilReady(waiting, { patience: 10_000, signal })
      return { running }
    })
    const { done } = await resealing.running
    expect(done).toEqual({ resealed: 1, overtaken: 1, unopened: 0 })
    const { profile } = await test.db
      .selectFrom('connections')
      .select('profile')
      .executeTakeFirstOrThrow()
    expect(profile).toEqual(written)
  })

  it('K03 may be ended at any time and begun again', async () => {
    for (let index = 0; index < 1_203; index += 1)
      await upsertRecord(at(old), 'Session', `s${index}`, { index }, {})
    const ending = new AbortController()
    const seen: number[] = []
    const progress = ({ resealed }: Resealed) => {
      seen.push(resealed)
      if (resealed > 0) ending.abort()
    }
    const first = await run(both, { signal: ending.signal, progress })
    expect([first.done.resealed, seen]).toEqual([500, [0, 500]])
    expect(await counts()).toEqual({ fresh: 500, old: 703 })
    expect((await run(both)).done.resealed).toBe(703)
    expect(await counts()).toEqual({ fresh: 1_203 })
    expect((await findRecord(at(fresh), 'Session', 's7'))?.payload).toEqual({ index: 7 })
  })

  it('K03 knows every column that could hold a sealed value', async () => {
    const hashes = ['id_hash', 'uid_hash', 'email_hash', 'idp_sid_hash']
    const { rows } = await sql<{ table: string; column: string }>`
      select table_name as table, column_name as column from information_schema.columns
      where table_schema = 'public' and data_type = 'bytea'`.execute(test.db)
    const known = sealed_tables.flatMap(({ table, columns }) =>
      Object.keys(columns).map(column => `${table}.${column}`),
    )
    // One that is missing here would be lost with the key that sealed it: add it to sealed_tables.
    const unknown = rows
      .filter(({ column }) => !hashes.includes(column))
      .map(({ table, column }) => `${table}.${column}`)
    expect(unknown.sort()).toEqual([...known].sort())
  })
})

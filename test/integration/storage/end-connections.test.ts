import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createConnection, findConnection } from '../../../storage/connections.ts'
import { openDatabase } from '../../../storage/database.ts'
import {
  endBrowserSessions,
  endConnections,
  type ConnectionSelector,
} from '../../../storage/end-connections.ts'
import { findRecord, upsertRecord } from '../../../storage/records.ts'
import { testKey } from '../../support/key-ring.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const in_an_hour = new Date(Date.now() + 3_600_000)
const people = {
  'alice-okta': { user_id: 'usr_alice', org_id: 'acme', client_id: 'claude', idp_sid: 's1' },
  'alice-okta-2': { user_id: 'usr_alice', org_id: 'acme', client_id: 'cursor', idp_sid: 's2' },
  'bob-okta': { user_id: 'usr_bob', org_id: 'acme', client_id: 'claude', idp_sid: 's3' },
  'carol-okta': { user_id: 'usr_carol', org_id: 'globex', client_id: 'claude', idp_sid: 's4' },
} as const
const all = Object.keys(people)

describe('endConnections', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  beforeEach(async () => {
    await test.db.deleteFrom('connections').execute()
    await test.db.deleteFrom('oidc_records').execute()
    for (const [id, { idp_sid, ...row }] of Object.entries(people)) {
      await createConnection(test.store, {
        id,
        ...row,
        idp_id: 'okta',
        expires_at: in_an_hour,
        profile: { email: `${row.user_id}@acme.example`, roles: [], idp_sub: id, idp_sid },
        idp_refresh_token: `secret of ${id}`,
      })
      await upsertRecord(test.store, 'Grant', id, {}, {})
      await upsertRecord(test.store, 'RefreshToken', `${id}-rt`, {}, { grant_id: id })
    }
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

  it.each<[ConnectionSelector, readonly string[]]>([
    [{ id: 'bob-okta' }, ['bob-okta']],
    [{ user_id: 'usr_alice' }, ['alice-okta', 'alice-okta-2']],
    [{ email: 'USR_Alice@Acme.example' }, ['alice-okta', 'alice-okta-2']],
    [{ org_id: 'globex' }, ['carol-okta']],
    [{ client_id: 'claude' }, ['alice-okta', 'bob-okta', 'carol-okta']],
    [{ client_id: 'claude', org_id: 'acme' }, ['alice-okta', 'bob-okta']],
    [{ idp_id: 'okta', idp_sid: 's3' }, ['bob-okta']],
    [{ idp_id: 'entra', idp_sid: 's3' }, []],
    [{ user_id: 'usr_alice', org_id: 'globex' }, []],
  ])('T08 %j ends exactly those', async (selector, expected) => {
    const ended = await endConnections(test.store, selector, 'operator')
    expect(ended.map(({ id }) => id).sort()).toEqual([...expected].sort())
    expect(await active()).toEqual(all.filter(id => !expected.includes(id)).sort())
    expect(await endConnections(test.store, selector, 'operator')).toEqual([])
  })

  it.each([{}, { idp_sid: 's1' }])('T08 %j names nobody, and ends nothing', async selector => {
    await expect(endConnections(test.store, selector, 'operator')).rejects.toThrow(TypeError)
    expect(await active()).toHaveLength(all.length)
  })

  it('T08 an email and a session are found after the storage key was rotated', async () => {
    const [old] = test.store.ring
    const rotated = { ...test.store, ring: [testKey('new'), old] as const }
    for (const selector of [{ email: 'usr_bob@acme.example' }, { idp_id: 'okta', idp_sid: 's4' }])
      expect(await endConnections(rotated, selector, 'operator')).toHaveLength(1)
  })

  it('K01 nothing that was issued under an ended connection is left, nor the token of its provider', async () => {
    await endConnections(test.store, { id: 'bob-okta' }, 'operator')
    expect(await findRecord(test.store, 'Grant', 'bob-okta')).toBeUndefined()
    expect(await findRecord(test.store, 'RefreshToken', 'bob-okta-rt')).toBeUndefined()
    expect(await findRecord(test.store, 'RefreshToken', 'alice-okta-rt')).toBeDefined()
    const rows = await test.db
      .selectFrom('connections')
      .select(['id', 'idp_refresh_token', 'ended_at'])
      .execute()
    for (const { id, idp_refresh_token, ended_at } of rows) {
      expect([id, idp_refresh_token === null]).toEqual([id, id === 'bob-okta'])
      expect([id, ended_at === null]).toEqual([id, id !== 'bob-okta'])
    }
    expect(await findConnection(test.store, 'bob-okta')).toMatchObject({
      status: 'ended',
      ended_reason: 'operator',
    })
  })

  it('T08 of many who end the same ones, each connection is reported to exactly one', async () => {
    const pools = Array.from({ length: 5 }, () => openDatabase(test.url))
    const answers = await Promise.all(
      pools.map(db => endConnections({ ...test.store, db }, { idp_id: 'okta' }, 'operator')),
    )
    await Promise.all(pools.map(db => db.destroy()))
    expect(
      answers
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...all].sort())
  })

  it('T08 a row that does not open ends all the same', async () => {
    await test.db
      .updateTable('connections')
      .set({ profile: Buffer.from('garbage') })
      .where('id', '=', 'bob-okta')
      .execute()
    expect(await endConnections(test.store, { id: 'bob-okta' }, 'operator')).toMatchObject([
      { id: 'bob-okta', email: undefined },
    ])
  })

  it("T08 ends a user's browser sessions, and nobody else's", async () => {
    await upsertRecord(test.store, 'Session', 'a1', {}, { user_id: 'usr_alice' })
    await upsertRecord(test.store, 'Session', 'a2', {}, { user_id: 'usr_alice' })
    await upsertRecord(test.store, 'Session', 'b1', {}, { user_id: 'usr_bob' })
    expect(await endBrowserSessions(test.store, 'usr_alice')).toBe(2)
    expect(await findRecord(test.store, 'Session', 'a1')).toBeUndefined()
    expect(await findRecord(test.store, 'Session', 'b1')).toBeDefined()
  })
})

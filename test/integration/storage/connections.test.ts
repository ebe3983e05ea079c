import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createConnection, findConnection, touchConnection } from '../../../storage/connections.ts'
import { CONNECTION_ENDED, endConnection } from '../../../storage/end-connections.ts'
import { findRecord, upsertRecord } from '../../../storage/records.ts'
import { seal } from '../../../storage/seal.ts'
import { testRing } from '../../support/key-ring.ts'
import { toldDuring } from '../../support/notifications.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000)
const connection = (id: string) => ({
  id,
  user_id: 'usr_alice',
  org_id: 'acme',
  client_id: 'https://client.example/metadata.json',
  idp_id: 'okta',
  expires_at: inAMonth(),
  profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: '00u1', idp_sid: 's1' },
})

describe('connections', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  beforeEach(async () => {
    await test.db.deleteFrom('connections').execute()
    await test.db.deleteFrom('oidc_records').execute()
  })

  const toldOfEnds = (work: () => Promise<unknown>) => toldDuring(test.url, CONNECTION_ENDED, work)

  it('is found as it was created', async () => {
    const created = connection('c1')
    await createConnection(test.store, created)
    const found = await findConnection(test.store, 'c1')
    expect(found).toEqual({
      ...created,
      status: 'active',
      ended_reason: undefined,
      created_at: expect.any(Date),
      last_used_at: undefined,
    })
    expect(Math.abs(Date.now() - Number(found?.created_at))).toBeLessThan(60_000)
  })

  it('is unknown when nobody created it, and past its absolute end', async () => {
    await createConnection(test.store, {
      ...connection('old'),
      expires_at: new Date(Date.now() - 1),
    })
    expect(await findConnection(test.store, 'old')).toBeUndefined()
    expect(await findConnection(test.store, 'none')).toBeUndefined()
  })

  it('cannot be created twice', async () => {
    await createConnection(test.store, connection('c1'))
    await expect(createConnection(test.store, connection('c1'))).rejects.toThrow('duplicate key')
  })

  it.each([
    ['an org that looks like a user', { org_id: 'usr_acme' }],
    ['a user that looks like an org', { user_id: 'alice' }],
    ['no org', { org_id: '' }],
  ])('A06 refuses %s', async (_, change) => {
    const made = createConnection(test.store, { ...connection('c1'), ...change })
    await expect(made).rejects.toThrow('check constraint')
  })

  it('notes its last use', async () => {
    await createConnection(test.store, connection('c1'))
    await touchConnection(test.store, 'c1')
    const found = await findConnection(test.store, 'c1')
    expect(Number(found?.last_used_at)).toBeGreaterThanOrEqual(Number(found?.created_at))
  })

  it('T07 ends once, with a reason, its grant and all that was issued under it', async () => {
    await createConnection(test.store, connection('c1'))
    await createConnection(test.store, connection('c2'))
    await upsertRecord(test.store, 'Grant', 'c1', {}, {})
    await upsertRecord(test.store, 'RefreshToken', 'r1', {}, { grant_id: 'c1' })
    await upsertRecord(test.store, 'RefreshToken', 'r2', {}, { grant_id: 'c2' })
    const answers: boolean[] = []
    const told = await toldOfEnds(async () => {
      const twenty = Array.from({ length: 20 }, () => endConnection(test.store, 'c1', 'revoked'))
      answers.push(...(await Promise.all(twenty)))
    })
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(told).toEqual(['c1'])
    expect(await findConnection(test.store, 'c1')).toMatchObject({
      status: 'ended',
      ended_reason: 'revoked',
    })
    expect(await findRecord(test.store, 'RefreshToken', 'r1')).toBeUndefined()
    expect(await findRecord(test.store, 'Grant', 'c1')).toBeUndefined()
    expect(await findConnection(test.store, 'c2')).toMatchObject({ status: 'active' })
    expect(await findRecord(test.store, 'RefreshToken', 'r2')).toBeDefined()
  })

  it('T07 keeps the first reason, and an unknown connection ends nothing', async () => {
    await createConnection(test.store, connection('c1'))
    await endConnection(test.store, 'c1', 'first')
    const told = await toldOfEnds(async () => {
      expect(await endConnection(test.store, 'c1', 'second')).toBe(false)
      expect(await endConnection(test.store, 'none', 'third')).toBe(false)
    })
    expect(told).toEqual([])
    expect(await findConnection(test.store, 'c1')).toMatchObject({ ended_reason: 'first' })
  })

  it('T07 ends nothing, destroys nothing and tells nobody when the end cannot be written', async () => {
    await createConnection(test.store, connection('c1'))
    await upsertRecord(test.store, 'RefreshToken', 'r1', {}, { grant_id: 'c1' })
    const told = await toldOfEnds(() =>
      expect(
        test.db.transaction().execute(async db => {
          await endConnection({ ...test.store, db }, 'c1', 'revoked')
          throw new Error('the power failed')
        }),
      ).rejects.toThrow('the power failed'),
    )
    expect(told).toEqual([])
    expect(await findConnection(test.store, 'c1')).toMatchObject({ status: 'active' })
    expect(await findRecord(test.store, 'RefreshToken', 'r1')).toBeDefined()
  })

  it('K01 rejects a profile sealed with another key, or not a profile, and keeps the row', async () => {
    await createConnection(test.store, connection('c1'))
    const stranger = { db: test.db, ring: testRing('another') }
    await expect(findConnection(stranger, 'c1')).rejects.toMatchObject({ code: 'unknown_key' })
    expect(await findConnection(test.store, 'c1')).toBeDefined()
    const profile = seal(test.store.ring, 'connections/c1', { email: 'alice@acme.example' })
    await test.db.updateTable('connections').set({ profile }).where('id', '=', 'c1').execute()
    await expect(findConnection(test.store, 'c1')).rejects.toMatchObject({ code: 'malformed' })
  })
})

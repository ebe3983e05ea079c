import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { idHash } from '../../../storage/digest.ts'
import {
  consumeRecord,
  consumeTogether,
  destroyRecord,
  addRecordOnce,
  findRecord,
  findRecordByUid,
  findRecords,
  replaceRecord,
  upsertRecord,
} from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'
import { testRing } from '../../support/key-ring.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const inAnHour = () => new Date(Date.now() + 3_600_000)
const aSecondAgo = () => new Date(Date.now() - 1_000)
const name = (model: string) => ({ model, id: model })
const twenty = <T>(work: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, work))

describe('records', () => {
  let test: TestStore
  let store: Store

  beforeAll(async () => {
    test = await createTestStore()
    store = test.store
  })

  afterAll(() => test.close())

  beforeEach(async () => {
    await test.db.deleteFrom('oidc_records').execute()
  })

  const count = async () =>
    (await test.db.selectFrom('oidc_records').select('model').execute()).length

  it('finds what was written, by model and id', async () => {
    const payload = { kind: 'AuthorizationCode', scope: 'openid', nested: { list: [1, 'zwei'] } }
    await upsertRecord(store, 'AuthorizationCode', 'code', payload, { expires_at: inAnHour() })
    const record = await findRecord(store, 'AuthorizationCode', 'code')
    expect(record).toEqual({ payload, consumed_at: undefined })
    expect(await findRecord(store, 'RefreshToken', 'code')).toBeUndefined()
    expect(await findRecord(store, 'AuthorizationCode', 'cod')).toBeUndefined()
  })

  it('finds by uid within a model', async () => {
    await upsertRecord(store, 'Session', 'id', { n: 1 }, { uid: 'u' })
    expect(await findRecordByUid(store, 'Session', 'u')).toMatchObject({ payload: { n: 1 } })
    expect(await findRecordByUid(store, 'Interaction', 'u')).toBeUndefined()
    expect(await findRecordByUid(store, 'Session', 'id')).toBeUndefined()
  })

  it('replaces payload and keys when written again', async () => {
    await upsertRecord(store, 'Session', 'id', { n: 1 }, { uid: 'old', grant_id: 'g1' })
    await upsertRecord(store, 'Session', 'id', { n: 2 }, { uid: 'new', grant_id: 'g2' })
    expect(await findRecord(store, 'Session', 'id')).toMatchObject({ payload: { n: 2 } })
    expect(await findRecordByUid(store, 'Session', 'old')).toBeUndefined()
    expect(await findRecordByUid(store, 'Session', 'new')).toMatchObject({ payload: { n: 2 } })
    expect(await count()).toBe(1)
  })

  it('does not know a record that has expired, in any way of asking', async () => {
    await upsertRecord(store, 'Session', 'id', {}, { uid: 'u', expires_at: aSecondAgo() })
    expect(await findRecord(store, 'Session', 'id')).toBeUndefined()
    expect(await findRecordByUid(store, 'Session', 'u')).toBeUndefined()
    expect(await consumeRecord(store, 'Session', 'id')).toBe(false)
  })

  it('A01 is consumed exactly once, by twenty at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const id = `code-${round}`
      await upsertRecord(store, 'AuthorizationCode', id, {}, { expires_at: inAnHour() })
      const answers = await twenty(() => consumeRecord(store, 'AuthorizationCode', id))
      expect(answers.filter(Boolean)).toHaveLength(1)
    }
    const record = await findRecord(store, 'AuthorizationCode', 'code-0')
    expect(record?.consumed_at).toBeInstanceOf(Date)
    expect(Math.abs(Date.now() - Number(record?.consumed_at))).toBeLessThan(60_000)
  })

  it('A01 stays consumed when it is written again', async () => {
    await upsertRecord(store, 'RefreshToken', 'id', { n: 1 }, {})
    await consumeRecord(store, 'RefreshToken', 'id')
    await upsertRecord(store, 'RefreshToken', 'id', { n: 2 }, {})
    const record = await findRecord(store, 'RefreshToken', 'id')
    expect(record?.payload).toEqual({ n: 2 })
    expect(record?.consumed_at).toBeInstanceOf(Date)
    expect(await consumeRecord(store, 'RefreshToken', 'id')).toBe(false)
  })

  it('is not consumed when there is none', async () => {
    expect(await consumeRecord(store, 'AuthorizationCode', 'none')).toBe(false)
  })

  it('A01 is consumed and takes another one with it exactly once, by twenty at the same time', async () => {
    const [request, sign_in] = [name('request'), name('sign_in')]
    await upsertRecord(store, request.model, request.id, {}, { expires_at: inAnHour() })
    await upsertRecord(store, sign_in.model, sign_in.id, {}, { expires_at: inAnHour() })
    const answers = await twenty(() => consumeTogether(test.db, request, sign_in))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect((await findRecord(store, request.model, request.id))?.consumed_at).toBeInstanceOf(Date)
    expect(await findRecord(store, sign_in.model, sign_in.id)).toBeUndefined()
  })

  it.each([
    ['is not there', () => Promise.resolve()],
    [
      'has expired',
      (id: string) => upsertRecord(store, 'sign_in', id, {}, { expires_at: aSecondAgo() }),
    ],
  ])('A01 is not consumed when the one that goes with it %s', async (_, prepare) => {
    const [request, sign_in] = [name('request'), name('sign_in')]
    await upsertRecord(store, request.model, request.id, {}, { expires_at: inAnHour() })
    await prepare(sign_in.id)
    expect(await consumeTogether(test.db, request, sign_in)).toBe(false)
    expect((await findRecord(store, request.model, request.id))?.consumed_at).toBeUndefined()
  })

  it('A01 takes nothing with it when it was consumed before, or has expired', async () => {
    const [request, sign_in] = [name('request'), name('sign_in')]
    await upsertRecord(store, sign_in.model, sign_in.id, {}, { expires_at: inAnHour() })
    await upsertRecord(store, request.model, request.id, {}, { expires_at: aSecondAgo() })
    expect(await consumeTogether(test.db, request, sign_in)).toBe(false)
    await upsertRecord(store, request.model, request.id, {}, { expires_at: inAnHour() })
    await consumeRecord(store, request.model, request.id)
    expect(await consumeTogether(test.db, request, sign_in)).toBe(false)
    expect(await findRecord(store, sign_in.model, sign_in.id)).toBeDefined()
  })

  it('are found several at once, in the order of their names', async () => {
    await upsertRecord(store, 'Session', 'id', { n: 1 }, { expires_at: inAnHour() })
    await upsertRecord(store, 'Grant', 'id', { n: 2 }, {})
    await upsertRecord(store, 'Session', 'old', {}, { expires_at: aSecondAgo() })
    const names = ['Grant id', 'Session old', 'Session id', 'Interaction id', 'Grant id']
    const found = await findRecords(
      store,
      names.map(name => name.split(' ')).map(([model = '', id = '']) => ({ model, id })),
    )
    expect(found.map(record => record?.payload)).toEqual([
      ...[{ n: 2 }, undefined, { n: 1 }, undefined, { n: 2 }],
    ])
  })

  it('is destroyed alone, or with its grant', async () => {
    await upsertRecord(store, 'AccessToken', 'a', {}, { grant_id: 'g' })
    await upsertRecord(store, 'RefreshToken', 'b', {}, { grant_id: 'g' })
    await upsertRecord(store, 'RefreshToken', 'c', {}, { grant_id: 'other' })
    await destroyRecord(store, 'AccessToken', 'b')
    expect(await count()).toBe(3)
    await destroyRecord(store, 'AccessToken', 'a')
    expect(await findRecord(store, 'AccessToken', 'a')).toBeUndefined()
    expect(await findRecord(store, 'RefreshToken', 'b')).toBeDefined()
  })

  describe('that is replaced', () => {
    const successor = (id: string) => ({ id, payload: { n: 2 }, keys: { grant_id: 'g' } })

    it('T03 is replaced exactly once, by twenty at the same time', async () => {
      await upsertRecord(store, 'RefreshToken', 'old', { n: 1 }, { expires_at: inAnHour() })
      let made = 0
      const answers = await twenty(() =>
        replaceRecord(store, 'RefreshToken', 'old', successor(`new-${made++}`)),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await count()).toBe(2)
      const old = await findRecord(store, 'RefreshToken', 'old')
      expect(old?.consumed_at).toBeInstanceOf(Date)
      expect(await findRecord(store, 'RefreshToken', old?.successor ?? '')).toMatchObject({
        payload: { n: 2 },
        consumed_at: undefined,
      })
    })

    it('T10 is not consumed when its successor cannot be written', async () => {
      await upsertRecord(store, 'RefreshToken', 'old', { n: 1 }, {})
      const unwritable = { id: 'new', payload: { n: 2n }, keys: {} }
      await expect(replaceRecord(store, 'RefreshToken', 'old', unwritable)).rejects.toThrow()
      expect(await findRecord(store, 'RefreshToken', 'old')).toMatchObject({
        consumed_at: undefined,
        successor: undefined,
      })
    })

    it("K01 does not name another record's successor", async () => {
      for (const id of ['mine', 'hers']) {
        await upsertRecord(store, 'RefreshToken', id, {}, {})
        await replaceRecord(store, 'RefreshToken', id, successor(`${id}-next`))
      }
      const foreign = test.db
        .selectFrom('oidc_records')
        .select('successor')
        .where('id_hash', '=', idHash('hers'))
      await test.db
        .updateTable('oidc_records')
        .set({ successor: foreign })
        .where('id_hash', '=', idHash('mine'))
        .execute()
      await expect(findRecord(store, 'RefreshToken', 'mine')).rejects.toMatchObject({
        name: 'SealError',
        code: 'tampered',
      })
    })
  })

  it('T08 an id is noted once, by twenty at the same time', async () => {
    const answers = await twenty(() => addRecordOnce(store, 'LogoutToken', 'jti', inAnHour()))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await addRecordOnce(store, 'LogoutToken', 'other', inAnHour())).toBe(true)
  })

  describe('that does not open', () => {
    const stranger = () => ({ db: test.db, ring: testRing('another') })

    it('K01 rejects, and is still there, whoever asked for it', async () => {
      await upsertRecord(store, 'Session', 'id', { n: 1 }, { uid: 'u' })
      const refusal = { name: 'SealError', code: 'unknown_key' }
      await expect(findRecord(stranger(), 'Session', 'id')).rejects.toMatchObject(refusal)
      await expect(findRecordByUid(stranger(), 'Session', 'u')).rejects.toMatchObject(refusal)
      const names = [{ model: 'Session', id: 'id' }]
      await expect(findRecords(stranger(), names)).rejects.toMatchObject(refusal)
      expect(await findRecord(store, 'Session', 'id')).toMatchObject({ payload: { n: 1 } })
    })

    it("K01 rejects when it is another row's", async () => {
      await upsertRecord(store, 'Session', 'mine', { account: 'alice' }, {})
      await upsertRecord(store, 'Session', 'hers', { account: 'bob' }, {})
      const { payload } = await test.db
        .selectFrom('oidc_records')
        .select('payload')
        .where('id_hash', '=', idHash('mine'))
        .executeTakeFirstOrThrow()
      await test.db
        .updateTable('oidc_records')
        .set({ payload })
        .where('id_hash', '=', idHash('hers'))
        .execute()
      await expect(findRecord(store, 'Session', 'hers')).rejects.toMatchObject({ code: 'tampered' })
      expect(await count()).toBe(2)
    })
  })
})

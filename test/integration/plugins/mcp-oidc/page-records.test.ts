import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import { inject } from 'light-my-request'
import {
  findPageRecord,
  withPageRecords,
} from '../../../../plugins/mcp-oidc/sign-in/page-records.ts'
import { consumeRecord, destroyRecord, upsertRecord } from '../../../../storage/records.ts'
import { createTestStore, type TestStore } from '../../../support/store.ts'

describe('the records that a page of an authorization request begins with', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
    const { store } = test
    const expires_at = new Date(Date.now() + 60_000)
    await upsertRecord(store, 'Interaction', 'mine', { n: 1 }, { expires_at })
    await upsertRecord(store, 'InteractionBrowser', 'mine', { b: 1 }, { expires_at })
    await upsertRecord(store, 'PendingConsent', 'in', { p: 1 }, { expires_at })
    await upsertRecord(store, 'Interaction', 'hers', { n: 2 }, { expires_at })
    await upsertRecord(store, 'InteractionClient', 'mine', { c: 1 }, { expires_at: new Date(0) })
  })
  afterAll(() => test.close())

  /** What `work` gives while a page of `uid` is served. */
  async function onPage<T>(uid: string, work: () => Promise<T>, sign_in = 'none'): Promise<T> {
    const app = express()
    const done = Promise.withResolvers<T>()
    app.use('/connect/:uid', withPageRecords(test), async (_req, res) => {
      await work().then(done.resolve, done.reject)
      res.end()
    })
    const { statusCode } = await inject(app, `/connect/${uid}?sign_in=${sign_in}`)
    expect(statusCode).toBe(200)
    return done.promise
  }

  const find = (model: 'Interaction' | 'InteractionBrowser' | 'InteractionClient', uid: string) =>
    findPageRecord(test.store, model, uid)

  it('are those of its uid, and no expired one', async () => {
    const found = await onPage('mine', () =>
      Promise.all([
        find('Interaction', 'mine'),
        find('InteractionBrowser', 'mine'),
        find('InteractionClient', 'mine'),
        find('Interaction', 'hers'),
        find('Interaction', 'nobody'),
      ]),
    )
    expect(found.map(record => record?.payload)).toEqual([
      ...[{ n: 1 }, { b: 1 }, undefined, { n: 2 }, undefined],
    ])
  })

  it('are those of the sign-in that its query names too', async () => {
    const ask = () => findPageRecord(test.store, 'PendingConsent', 'in')
    const [first, again] = await onPage('mine', async () => [await ask(), await ask()], 'in')
    expect(first?.payload).toEqual({ p: 1 })
    expect(again).toEqual(first)
    expect(await onPage('mine', ask)).toEqual(first)
  })

  it('A04 are looked at again by whoever asks again: one who was faster is seen', async () => {
    await onPage('mine', async () => {
      expect((await find('InteractionBrowser', 'mine'))?.consumed_at).toBeUndefined()
      expect(await consumeRecord(test.store, 'InteractionBrowser', 'mine')).toBe(true)
      expect((await find('InteractionBrowser', 'mine'))?.consumed_at).toBeInstanceOf(Date)
      await find('Interaction', 'mine')
      await destroyRecord(test.store, 'Interaction', 'mine')
      expect(await find('Interaction', 'mine')).toBeUndefined()
    })
    expect((await find('InteractionBrowser', 'mine'))?.consumed_at).toBeInstanceOf(Date)
  })
})

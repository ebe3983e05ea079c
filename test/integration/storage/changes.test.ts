import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Changes, writeChanges } from '../../../storage/changes.ts'
import { type RecordKeys, sealRecord } from '../../../storage/record-row.ts'
import { consumeRecord, findRecord, findRecordByUid } from '../../../storage/records.ts'
import { registerClient } from '../../../storage/registered-clients.ts'
import type { Store } from '../../../storage/store.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const inAnHour = () => new Date(Date.now() + 3_600_000)

describe('what a request leaves behind', () => {
  let test: TestStore
  let store: Store

  beforeAll(async () => {
    test = await createTestStore()
    store = test.store
  })
  afterAll(() => test.close())
  beforeEach(() => test.db.deleteFrom('oidc_records').execute())

  const row = (model: string, id: string, payload = {}, keys: RecordKeys = {}) =>
    sealRecord(store, model, id, payload, keys)
  const find = (model: string, id: string) => findRecord(store, model, id)
  const events = () => test.db.selectFrom('audit_events').select('type').execute()
  const event = { type: 'sign_in', outcome: 'ok' } as const

  it('is all written: records with their keys, removals and events', async () => {
    await writeChanges(store, { written: [row('Interaction', 'old')] })
    const keys = { uid: 'u', grant_id: 'g', user_id: 'usr', expires_at: inAnHour() }
    const changes = {
      written: [row('Session', 's', { text: 'ü"\\' }, keys), row('Grant', 'g', { n: 1 })],
      removed: [
        { model: 'Interaction', id: 'old' },
        { model: 'Interaction', id: 'none' },
      ],
      events: [event],
    }
    const before = (await events()).length
    expect(await writeChanges(store, changes)).toBe(true)
    expect(await findRecordByUid(store, 'Session', 'u')).toMatchObject({
      payload: { text: 'ü"\\' },
    })
    expect((await find('Grant', 'g'))?.payload).toEqual({ n: 1 })
    expect(await find('Interaction', 'old')).toBeUndefined()
    expect((await events()).length).toBe(before + 1)
    const { grant_id, user_id, expires_at } = await test.db
      .selectFrom('oidc_records')
      .select(['grant_id', 'user_id', 'expires_at'])
      .where('model', '=', 'Session')
      .executeTakeFirstOrThrow()
    expect({ grant_id, user_id, expires_at }).toEqual({
      grant_id: 'g',
      user_id: 'usr',
      expires_at: keys.expires_at,
    })
  })

  it('A01 takes the place of what was there, and what was consumed stays so', async () => {
    await writeChanges(store, { written: [row('Session', 's', { n: 1 })] })
    await consumeRecord(store, 'Session', 's')
    await writeChanges(store, { written: [row('Session', 's', { n: 2 })] })
    const found = await find('Session', 's')
    expect(found?.payload).toEqual({ n: 2 })
    expect(found?.consumed_at).toBeInstanceOf(Date)
  })

  it('A01 is written for one of twenty at the same time that note it once', async () => {
    await writeChanges(store, { written: [row('Interaction', 'i')] })
    const before = (await events()).length
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        writeChanges(store, {
          once: row('CarriedAnswer', 'u', {}, { expires_at: inAnHour() }),
          written: [row('AuthorizationCode', `code-${n}`)],
          removed: [{ model: 'Interaction', id: 'i' }],
          events: [event],
        }),
      ),
    )
    expect(answers.filter(Boolean)).toHaveLength(1)
    const codes = await Promise.all(answers.map((_, n) => find('AuthorizationCode', `code-${n}`)))
    expect(codes.map(code => code !== undefined)).toEqual(answers)
    expect(await find('Interaction', 'i')).toBeUndefined()
    expect((await events()).length).toBe(before + 1)
  })

  it('A01 changes nothing for whoever comes second', async () => {
    const once = row('CarriedAnswer', 'u', {}, { expires_at: inAnHour() })
    await writeChanges(store, { once, written: [row('Interaction', 'i', { n: 1 })] })
    await register('client', 60)
    const later: Changes = {
      once,
      written: [row('Interaction', 'i', { n: 2 }), row('AuthorizationCode', 'c')],
      removed: [{ model: 'CarriedAnswer', id: 'u' }],
      keeps: { client_id: 'client' },
      events: [event],
    }
    const before = (await events()).length
    expect(await writeChanges(store, later)).toBe(false)
    expect((await find('Interaction', 'i'))?.payload).toEqual({ n: 1 })
    expect(await find('AuthorizationCode', 'c')).toBeUndefined()
    expect(await find('CarriedAnswer', 'u')).toBeDefined()
    expect(await endOf('client')).toBeInstanceOf(Date)
    expect((await events()).length).toBe(before)
  })

  it('is nothing at all when one part of it is refused', async () => {
    const changes = {
      written: [row('Session', 's'), row('', 'no model is refused')],
      events: [event],
    }
    const before = (await events()).length
    await expect(writeChanges(store, changes)).rejects.toMatchObject({ code: '23514' })
    expect(await find('Session', 's')).toBeUndefined()
    expect((await events()).length).toBe(before)
  })

  const register = (id: string, unused_ttl: number) =>
    registerClient(store, { id, payload: {}, unused_ttl, most_unused: 10 })
  async function endOf(id: string): Promise<Date | null> {
    const [, id_hash] = row('Client', id)
    const { expires_at } = await test.db
      .selectFrom('oidc_records')
      .select('expires_at')
      .where('model', '=', 'Client')
      .where('id_hash', '=', id_hash)
      .executeTakeFirstOrThrow()
    return expires_at
  }
})

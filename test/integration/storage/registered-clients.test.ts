import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { keepHouse } from '../../../storage/housekeeping.ts'
import { poolUse } from '../../../storage/pool-use.ts'
import { findRecord } from '../../../storage/records.ts'
import { writeChanges } from '../../../storage/changes.ts'
import { registerClient } from '../../../storage/registered-clients.ts'
import type { Store } from '../../../storage/store.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

let test: TestStore
beforeAll(async () => {
  test = await createTestStore()
})
afterAll(() => test.close())
beforeEach(() => sql`truncate oidc_records`.execute(test.db))

const day = 86_400
const register = (id: string, { unused_ttl = day, most_unused = 3, name = id } = {}) =>
  registerClient(test.store, { id, payload: { name }, unused_ttl, most_unused })
const found = async (id: string) => (await findRecord(test.store, 'Client', id))?.payload['name']
const clean = () =>
  keepHouse(test.db, { batch: 10, retention: day, signal: new AbortController().signal })

/** Seconds that each client has left, by name; null is for ever. */
async function left(): Promise<readonly (number | null)[]> {
  const { rows } = await sql<{ left: number | null }>`
    select round(extract(epoch from expires_at - now()))::int as left
    from oidc_records order by expires_at nulls last`.execute(test.db)
  return rows.map(row => row.left)
}
const age = (seconds: number) =>
  sql`update oidc_records set expires_at = expires_at - make_interval(secs => ${seconds})`.execute(
    test.db,
  )

const useClient = (store: Store, client_id: string) => writeChanges(store, { keeps: { client_id } })
const keepClient = (store: Store, client_id: string, seconds: number) =>
  writeChanges(store, { keeps: { client_id, seconds } })

describe('R06 a registered client', () => {
  it('expires while it is unused, and is removed', async () => {
    expect(await register('one')).toBe(true)
    expect(await left()).toEqual([day])
    expect(await found('one')).toBe('one')
    await age(day)
    expect(await found('one')).toBeUndefined()
    expect(await clean()).toMatchObject({ records: 1 })
    expect(await left()).toEqual([])
  })

  it('stays once it was used', async () => {
    await register('one')
    await register('two')
    await useClient(test.store, 'one')
    await age(2 * day)
    expect(await clean()).toMatchObject({ records: 1 })
    expect([await found('one'), await found('two')]).toEqual(['one', undefined])
  })

  it('is registered again: an unused one from the beginning, a used one without an end', async () => {
    await register('one')
    await register('two')
    await useClient(test.store, 'two')
    await age(day / 2)
    expect(await register('one', { name: 'again' })).toBe(true)
    expect(await register('two')).toBe(true)
    expect(await left()).toEqual([day, null])
    expect(await found('one')).toBe('again')
  })

  it('that has expired is not used, but may be registered again before it is removed', async () => {
    await register('one')
    await age(day)
    await useClient(test.store, 'one')
    await keepClient(test.store, 'one', 60)
    expect(await found('one')).toBeUndefined()
    await register('one')
    expect(await left()).toEqual([day])
  })

  it('that somebody is about to use is kept, and no longer than it would be anyway', async () => {
    await register('one')
    await keepClient(test.store, 'one', 60)
    expect(await left()).toEqual([day])
    await age(day - 10)
    await keepClient(test.store, 'one', 60)
    expect(await left()).toEqual([60])
    await useClient(test.store, 'one')
    await keepClient(test.store, 'one', 60)
    expect(await left()).toEqual([null])
  })

  it('is used for good, also while it is registered, kept and cleaned away at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      await sql`truncate oidc_records`.execute(test.db)
      await register('one')
      await Promise.all([
        register('one'),
        useClient(test.store, 'one'),
        clean(),
        keepClient(test.store, 'one', 2 * day),
        register('one'),
      ])
      expect(await left()).toEqual([null])
    }
  })
})

describe('R06 registrations beyond the limit', () => {
  it('are not taken, but those that are known are, and there is room for each that is used', async () => {
    for (const id of ['one', 'two', 'three']) expect(await register(id)).toBe(true)
    expect(await register('four')).toBe(false)
    expect(await found('four')).toBeUndefined()
    expect(await register('two')).toBe(true)
    await useClient(test.store, 'one')
    expect(await register('one')).toBe(true)
    expect(await register('four')).toBe(true)
    expect(await register('five')).toBe(false)
    await age(day)
    expect(await register('five')).toBe(true)
  })

  it('do not count twice what comes at the same moment', async () => {
    const same = await Promise.all(Array.from({ length: 10 }, () => register('one')))
    expect(same).toEqual(same.map(() => true))
    expect(await left()).toHaveLength(1)
  })

  it('may exceed it by what comes at the same moment: the connections of the pool, and no more', async () => {
    const taken = await Promise.all(Array.from({ length: 60 }, (_, n) => register(`client ${n}`)))
    const accepted = taken.filter(Boolean).length
    const { total } = poolUse(test.db)
    expect(total).toBeLessThan(60 - 3)
    expect(accepted).toBeGreaterThanOrEqual(3)
    expect(accepted).toBeLessThanOrEqual(3 + total)
    expect(await left()).toHaveLength(accepted)
    expect(await register('one more')).toBe(false)
  })

  it('K04 are counted by an index, however many clients are in use', async () => {
    await sql`
      insert into oidc_records (model, id_hash, payload, expires_at)
      select 'Client', sha256(n::text::bytea), '\\x00',
        case when n % 100 = 0 then now() + interval '1 day' end
      from generate_series(1, 20000) n`.execute(test.db)
    await sql`analyze oidc_records`.execute(test.db)
    const { rows } = await sql<Record<string, string>>`
      explain (costs off) select from oidc_records
      where model = 'Client' and expires_at is not null and expires_at > now() limit 1000`.execute(
      test.db,
    )
    expect(JSON.stringify(rows)).toContain('oidc_records_unused_clients')
  })
})

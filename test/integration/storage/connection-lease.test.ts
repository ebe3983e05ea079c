import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import {
  findIdpStanding,
  LeaseLost,
  noteIdpAsked,
  noteIdpUnavailable,
  releaseLease,
  renewLease,
  saveIdpToken,
  saveProfile,
  takeLease,
} from '../../../storage/connection-lease.ts'
import { createConnection, findConnection } from '../../../storage/connections.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { CONNECTION_CHANGED, endConnection } from '../../../storage/end-connections.ts'
import { toldDuring } from '../../support/notifications.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const profile = { email: 'alice@acme.example', roles: ['admin'], idp_sub: '00u1', idp_sid: 's1' }
const held_by = (holder: string) => ({ connection_id: 'c1', holder })
const mine = held_by('mine')
const theirs = held_by('theirs')

describe('the lease of a connection', () => {
  let test: TestStore
  let other_pool: Database

  beforeAll(async () => {
    test = await createTestStore()
    other_pool = openDatabase(test.url)
  })

  afterAll(async () => {
    await other_pool.destroy()
    await test.close()
  })

  beforeEach(async () => {
    await test.db.deleteFrom('connections').execute()
    for (const id of ['c1', 'c2'])
      await createConnection(test.store, {
        id,
        user_id: 'usr_alice',
        org_id: 'acme',
        client_id: 'claude',
        idp_id: 'okta',
        expires_at: new Date(Date.now() + 3_600_000),
        profile,
        idp_refresh_token: 'first',
      })
  })

  const row = (id = 'c1') =>
    test.db.selectFrom('connections').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  /** As if the holder had been silent for longer than its lease. */
  const letItRunOut = () =>
    test.db
      .updateTable('connections')
      .set({ lease_until: sql<Date>`now() - interval '1 ms'` })
      .where('id', '=', 'c1')
      .execute()

  it('T05 is taken by exactly one of twenty on two replicas', async () => {
    for (let round = 0; round < 5; round++) {
      const takers = Array.from({ length: 20 }, (_, n) => held_by(`taker ${n}`))
      const answers = await Promise.all(
        takers.map((taker, n) => takeLease({ db: n % 2 ? test.db : other_pool }, taker, 60)),
      )
      expect(answers.filter(Boolean)).toHaveLength(1)
      const winner = takers[answers.indexOf(true)]
      expect((await row()).lease_holder).toBe(winner?.holder)
      await letItRunOut()
    }
  })

  it('T05 lasts as many seconds as asked for, and is of that connection alone', async () => {
    const before = Date.now()
    expect(await takeLease(test.store, mine, 60)).toBe(true)
    const { lease_until } = await row()
    expect(Math.abs(Number(lease_until) - before - 60_000)).toBeLessThan(5_000)
    expect((await row('c2')).lease_holder).toBeNull()
    expect(await takeLease(test.store, { ...theirs, connection_id: 'c2' }, 60)).toBe(true)
  })

  it("T05 is nobody else's while it lasts, and anybody's once it ran out", async () => {
    await takeLease(test.store, mine, 60)
    expect(await takeLease(test.store, theirs, 60)).toBe(false)
    await letItRunOut()
    expect(await takeLease(test.store, theirs, 60)).toBe(true)
  })

  it('T05 is made longer by its holder only', async () => {
    await takeLease(test.store, mine, 1)
    await renewLease(test.store, theirs, 600)
    expect(Number((await row()).lease_until)).toBeLessThan(Date.now() + 60_000)
    await renewLease(test.store, mine, 600)
    expect(Number((await row()).lease_until)).toBeGreaterThan(Date.now() + 60_000)
  })

  it('T05 is given back by its holder only', async () => {
    await takeLease(test.store, mine, 60)
    await releaseLease(test.store, theirs)
    expect(await takeLease(test.store, theirs, 60)).toBe(false)
    await releaseLease(test.store, mine)
    expect(await takeLease(test.store, theirs, 60)).toBe(true)
  })

  it('T05 is not of a connection that does not exist', async () => {
    expect(await takeLease(test.store, { connection_id: 'none', holder: 'mine' }, 60)).toBe(false)
    expect(await findIdpStanding(test.store, 'none')).toBeUndefined()
  })

  const writes: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['saveIdpToken', () => saveIdpToken(test.store, mine, 'second')],
    ['noteIdpAsked', () => noteIdpAsked(test.store, mine)],
    ['noteIdpUnavailable', () => noteIdpUnavailable(test.store, mine)],
    ['saveProfile', () => saveProfile(test.store, mine, { ...profile, roles: [] })],
  ]

  it.each(writes)('T05 %s is refused once somebody else took over', async (_, write) => {
    await takeLease(test.store, mine, 60)
    await letItRunOut()
    await takeLease(test.store, theirs, 60)
    const before = await row()
    await expect(write()).rejects.toThrow(LeaseLost)
    expect(await row()).toEqual(before)
  })

  it.each(writes)('T05 %s is refused without a lease, and once given back', async (_, write) => {
    const before = await row()
    await expect(write()).rejects.toThrow(LeaseLost)
    await takeLease(test.store, mine, 60)
    await releaseLease(test.store, mine)
    await expect(write()).rejects.toThrow(LeaseLost)
    expect(await row()).toEqual(before)
  })

  it.each(writes)('T07 %s is refused when the connection has ended meanwhile', async (_, write) => {
    await takeLease(test.store, mine, 60)
    await endConnection(test.store, 'c1', 'revoked')
    const before = await row()
    await expect(write()).rejects.toThrow(LeaseLost)
    expect(await row()).toEqual(before)
    expect(before.idp_refresh_token).toBeNull()
  })

  it('T05 keeps what the identity provider said, sealed for its row', async () => {
    expect(await findIdpStanding(test.store, 'c1')).toEqual({
      idp_refresh_token: 'first',
      idp_asked_at: expect.any(Date),
      idp_unavailable_since: undefined,
    })
    await takeLease(test.store, mine, 60)
    await saveIdpToken(test.store, mine, 'second')
    expect(await findIdpStanding(test.store, 'c1')).toMatchObject({ idp_refresh_token: 'second' })
    expect(await findIdpStanding(test.store, 'c2')).toMatchObject({ idp_refresh_token: 'first' })
    const { idp_refresh_token } = await row()
    await test.db
      .updateTable('connections')
      .set({ idp_refresh_token })
      .where('id', '=', 'c2')
      .execute()
    await expect(findIdpStanding(test.store, 'c2')).rejects.toMatchObject({ code: 'tampered' })
  })

  it('T05 an outage begins once, and is over when the provider answers', async () => {
    await takeLease(test.store, mine, 60)
    const since = await noteIdpUnavailable(test.store, mine)
    expect(await noteIdpUnavailable(test.store, mine)).toEqual(since)
    expect(await findIdpStanding(test.store, 'c1')).toMatchObject({ idp_unavailable_since: since })
    await noteIdpAsked(test.store, mine)
    const standing = await findIdpStanding(test.store, 'c1')
    expect(standing?.idp_unavailable_since).toBeUndefined()
    expect(Number(standing?.idp_asked_at)).toBeGreaterThan(Number(since))
  })

  it('T05 a new profile is what is found, and every listener is told', async () => {
    await takeLease(test.store, mine, 60)
    const changed = { email: 'alice.l@acme.example', roles: [], idp_sub: '00u1', idp_sid: 's2' }
    const told = await toldDuring(test.url, CONNECTION_CHANGED, () =>
      saveProfile(test.store, mine, changed),
    )
    expect(told).toEqual(['c1'])
    expect(await findConnection(test.store, 'c1')).toMatchObject({ profile: changed })
    expect(await findConnection(test.store, 'c2')).toMatchObject({ profile })
  })

  it('T05 nobody is told of a profile that was not stored', async () => {
    const told = await toldDuring(test.url, CONNECTION_CHANGED, () =>
      expect(saveProfile(test.store, mine, profile)).rejects.toThrow(LeaseLost),
    )
    expect(told).toEqual([])
  })
})

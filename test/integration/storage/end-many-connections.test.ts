import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Database, openDatabase } from '../../../storage/database.ts'
import {
  BATCH,
  CONNECTION_ENDED,
  endConnections,
  type EndedConnection,
} from '../../../storage/end-connections.ts'
import { toldDuring } from '../../support/notifications.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const many = 2 * BATCH + 3

describe(`endConnections, of ${many}`, () => {
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

  /** None of them opens, every other one is of acme, each has a grant and two tokens. */
  beforeEach(async () => {
    await sql`truncate connections, oidc_records`.execute(test.db)
    const n = sql`generate_series(1, ${many}::int) n`
    await sql`
      insert into connections (id, user_id, org_id, client_id, idp_id, expires_at, profile)
      select 'c' || n, 'usr_' || n % 10, case n % 2 when 0 then 'acme' else 'globex' end, 'claude',
        'okta', now() + interval '1 day', '\\x00' from ${n}`.execute(test.db)
    await sql`
      insert into oidc_records (model, id_hash, grant_id, payload)
      select 'Grant', sha256(('c' || n)::bytea), null, '\\x00'::bytea from ${n}
      union all
      select 'RefreshToken', sha256((copy || 'r' || n)::bytea), 'c' || n, '\\x00'
      from ${n}, (values ('used'), ('new')) copies (copy)`.execute(test.db)
  })

  async function endAll(db: Database, selector = { idp_id: 'okta' }): Promise<EndedConnection[][]> {
    const batches: EndedConnection[][] = []
    for (;;) {
      const batch = [...(await endConnections({ ...test.store, db }, selector, 'operator'))]
      if (batch.length === 0) return batches
      batches.push(batch)
    }
  }

  const idsOf = (batches: EndedConnection[][]) => batches.flat().map(({ id }) => id)
  const all = Array.from({ length: many }, (_, n) => `c${n + 1}`).sort()
  const count = async (where = sql`true`) =>
    (
      await sql<{ records: number }>`
        select count(*) as records from oidc_records where ${where}`.execute(test.db)
    ).rows[0]?.records

  it('T08 ends a batch at a time, tells of each once, and leaves no record', async () => {
    const batches: EndedConnection[][] = []
    const told = await toldDuring(test.url, CONNECTION_ENDED, async () => {
      batches.push(...(await endAll(test.db)))
    })
    expect(batches.map(batch => batch.length)).toEqual([BATCH, BATCH, 3])
    expect(idsOf(batches).sort()).toEqual(all)
    expect(told.sort()).toEqual(all)
    expect(await count()).toBe(0)
  })

  it('T08 two who end the same ones at once share them: neither waits for nothing or ends one twice', async () => {
    let answers: EndedConnection[][][] = []
    const told = await toldDuring(test.url, CONNECTION_ENDED, async () => {
      answers = await Promise.all([endAll(test.db), endAll(other_pool), endAll(test.db)])
    })
    expect(answers.flatMap(idsOf).sort()).toEqual(all)
    expect(told.sort()).toEqual(all)
    expect(await count()).toBe(0)
  })

  it('T08 two whose selections overlap do not block each other for ever', async () => {
    const answers = await Promise.all([
      endAll(test.db, { idp_id: 'okta' }),
      ...['acme', 'globex'].map(async org_id => {
        const selector = { idp_id: 'okta', org_id }
        return endAll(other_pool, selector)
      }),
    ])
    expect(answers.flatMap(idsOf).sort()).toEqual(all)
  })

  it('T08 says of each whose it was, and keeps the records of the others', async () => {
    const [first] = await endConnections(
      test.store,
      { user_id: 'usr_4', org_id: 'acme', client_id: 'claude', id: 'c14' },
      'operator',
    )
    expect(first).toEqual({
      ...{ id: 'c14', user_id: 'usr_4', org_id: 'acme', client_id: 'claude' },
      email: undefined,
    })
    expect(await count()).toBe(3 * (many - 1))
    expect(await count(sql`grant_id = 'c14'`)).toBe(0)
  })
})

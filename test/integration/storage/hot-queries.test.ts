import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import {
  findIdpStanding,
  noteIdpAsked,
  noteIdpUnavailable,
  releaseLease,
  renewLease,
  saveIdpToken,
  saveProfile,
  takeLease,
} from '../../../storage/connection-lease.ts'
import { writeChanges } from '../../../storage/changes.ts'
import {
  countActiveConnections,
  createConnection,
  findConnection,
  findOverConnections,
  touchConnection,
} from '../../../storage/connections.ts'
import {
  endBrowserSessions,
  endConnection,
  endConnections,
  findUsers,
} from '../../../storage/end-connections.ts'
import { keepHouse } from '../../../storage/housekeeping.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { idHash } from '../../../storage/digest.ts'
import {
  addRecordOnce,
  consumeRecord,
  consumeTogether,
  destroyRecord,
  findRecord,
  findRecordByUid,
  findRecords,
  replaceRecord,
  upsertRecord,
} from '../../../storage/records.ts'
import { sealRecord } from '../../../storage/record-row.ts'
import { readRefreshState } from '../../../storage/refresh-state.ts'
import { rotateRefreshToken } from '../../../storage/rotate-refresh-token.ts'
import type { Store } from '../../../storage/store.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const ROWS = 20_000
const expires_at = new Date(Date.now() + 3_600_000)
const profile = { email: 'alice@acme.example', roles: [], idp_sub: 's', idp_sid: 'sid' }
const lease = { connection_id: 'mine', holder: 'me' }
const { signal } = new AbortController()
const session = (id: string) => ({ model: 'Session', id })
const event = { type: 'refresh', outcome: 'ok' } as const
const together = { connection_id: 'mine', event }
const refreshed = { id: 'r-next', payload: {}, keys: { grant_id: 'mine', expires_at } }
const successor = { id: 'e', payload: {}, keys: { grant_id: 'mine', expires_at } }
const changes = (store: Store) => ({
  once: sealRecord(store, 'CarriedAnswer', 'u', {}, { expires_at }),
  written: ['f', 'g'].map(id => sealRecord(store, 'Session', id, {}, { expires_at })),
  removed: [session('f'), session('none')],
  keeps: { client_id: 'client', seconds: 60 },
  events: [event],
})

describe(`with ${ROWS} connections and records`, () => {
  let test: TestStore
  /** One connection, so that the server's counters are those of the queries just made. */
  let db: Database

  beforeAll(async () => {
    test = await createTestStore()
    db = openDatabase(test.url, { max: 1 })
    await sql`
      insert into connections (id, user_id, org_id, client_id, idp_id, expires_at, profile,
        email_hash, idp_sid_hash, status, ended_reason, ended_at)
      select 'c' || n, 'usr_' || n / 3, 'org' || n / 100, 'client' || n / 100, 'okta',
        now() + n * interval '1 minute', '\\x00', sha256(('e' || n)::bytea),
        sha256(('s' || n)::bytea), case when n % 2 = 0 then 'active' else 'ended' end,
        case when n % 2 = 1 then 'revoked' end,
        case when n % 2 = 1 then now() - n * interval '1 minute' end
      from generate_series(1, ${sql.lit(ROWS)}) n`.execute(db)
    await sql`
      insert into oidc_records (model, id_hash, uid_hash, grant_id, user_id, payload, expires_at)
      select 'RefreshToken', sha256(('r' || n)::bytea), sha256(('u' || n)::bytea), 'c' || n,
        'usr_' || n, '\\x00', now() + n * interval '1 minute'
      from generate_series(1, ${sql.lit(ROWS)}) n`.execute(db)
    await sql`
      insert into audit_events (type, outcome, user_id, org_id, at)
      select 'tool_call', 'ok', 'usr_' || n / 3, 'org' || n / 100,
        date_trunc('month', now()) + n % 5 * interval '1 month' + n * interval '1 s'
      from generate_series(1, ${sql.lit(ROWS)}) n`.execute(db)
    await sql`analyze`.execute(db)
    const store = { db, ring: test.store.ring }
    await createConnection(store, {
      id: 'mine',
      user_id: 'usr_me',
      org_id: 'acme',
      client_id: 'client',
      idp_id: 'okta',
      expires_at,
      profile,
    })
    for (const id of ['a', 'b', 'c'])
      await upsertRecord(store, 'Session', id, {}, { uid: id, grant_id: 'mine', expires_at })
    await upsertRecord(store, 'RefreshToken', 'r', {}, { grant_id: 'mine', expires_at })
  })

  afterAll(async () => {
    await db.destroy()
    await test.close()
  })

  /** How many times the server has read one of our tables from end to end. */
  async function fullScans(): Promise<number> {
    await sql`select pg_stat_force_next_flush()`.execute(db)
    const { rows } = await sql<{ scans: number }>`
      select sum(seq_scan)::bigint as scans from pg_stat_user_tables
      where relname in ('connections', 'oidc_records') or relname like 'audit_events%'`.execute(db)
    return rows[0]?.scans ?? NaN
  }

  async function fullScansOf(work: () => Promise<unknown>): Promise<number> {
    const before = await fullScans()
    await work()
    return (await fullScans()) - before
  }

  const store = () => ({ db, ring: test.store.ring })

  it.each([
    ['findConnection', () => findConnection(store(), 'mine')],
    ['findOverConnections', () => findOverConnections(db, ['mine', 'c1', 'c2', 'none'])],
    ['countActiveConnections', () => countActiveConnections(store())],
    ['touchConnection', () => touchConnection(store(), 'mine')],
    ['takeLease', () => takeLease(store(), lease, 60)],
    ['renewLease', () => renewLease(store(), lease, 60)],
    ['findIdpStanding', () => findIdpStanding(store(), 'mine')],
    ['saveIdpToken', () => saveIdpToken(store(), lease, 'token')],
    ['noteIdpAsked', () => noteIdpAsked(store(), lease)],
    ['noteIdpUnavailable', () => noteIdpUnavailable(store(), lease)],
    ['saveProfile', () => saveProfile(store(), lease, profile)],
    ['releaseLease', () => releaseLease(store(), lease)],
    ['findRecord', () => findRecord(store(), 'Session', 'a')],
    ['findRecordByUid', () => findRecordByUid(store(), 'Session', 'a')],
    ['findRecords', () => findRecords(store(), [session('a'), session('b'), session('c')])],
    ['upsertRecord', () => upsertRecord(store(), 'Session', 'd', {}, { expires_at })],
    ['replaceRecord', () => replaceRecord(store(), 'Session', 'd', successor)],
    ['readRefreshState', () => readRefreshState(store(), 'r')],
    ['a refresh', () => rotateRefreshToken(store(), 'r', refreshed, together)],
    ['addRecordOnce', () => addRecordOnce(store(), 'LogoutToken', 'jti', expires_at)],
    ['consumeRecord', () => consumeRecord(store(), 'Session', 'a')],
    ['consumeTogether', () => consumeTogether(db, session('b'), session('c'))],
    ['writeChanges', () => writeChanges({ db }, changes(test.store))],
    ['writeChanges again', () => writeChanges({ db }, changes(test.store))],
    ['destroyRecord', () => destroyRecord(store(), 'Session', 'c')],
    ['endConnection', () => endConnection(store(), 'mine', 'revoked')],
    ['endConnections of a user', () => endConnections(store(), { user_id: 'usr_7' }, 'operator')],
    ['endConnections of an org', () => endConnections(store(), { org_id: 'org7' }, 'operator')],
    ['endConnections of a client', () => endConnections(store(), { client_id: 'client9' }, 'x')],
    ['endConnections of an email', () => endConnections(store(), { email: 'a@b.example' }, 'x')],
    [
      'endConnections of a session',
      () => endConnections(store(), { idp_id: 'okta', idp_sid: 'sid' }, 'idp_logout'),
    ],
    ['findUsers', () => findUsers(store(), { email: profile.email })],
    ['endBrowserSessions', () => endBrowserSessions(store(), 'usr_77')],
    ['keepHouse', () => keepHouse(db, { batch: 100, retention: 3600, signal })],
  ])('K04 %s reads no table from end to end', async (_, work) => {
    expect(await fullScansOf(work)).toBe(0)
  })

  it('K04 would notice a query that does', async () => {
    const byReason = () =>
      db.selectFrom('connections').select('id').where('ended_reason', '=', 'x').execute()
    expect(await fullScansOf(byReason)).toBe(1)
  })

  it.each([
    ['connections of a user', sql`select id from connections where user_id = 'usr_77'`],
    ['connections of an org', sql`select id from connections where org_id = 'org7'`],
    ['connections of a client', sql`select id from connections where client_id = 'client7'`],
    [
      'active connections past their end',
      sql`select id from connections where status = 'active' and expires_at < now() limit 100`,
    ],
    [
      'connections that ended long ago',
      sql`select id from connections
        where status = 'ended' and ended_at < now() - interval '9 days' limit 100`,
    ],
    ['expired records', sql`select id_hash from oidc_records where expires_at < now() limit 100`],
    [
      'the latest events of an org',
      sql`select id from audit_events where org_id = 'org7' order by at desc limit 50`,
    ],
    [
      'the latest events of a user',
      sql`select id from audit_events where user_id = 'usr_77' order by at desc limit 50`,
    ],
    [
      'a record',
      sql`select payload from oidc_records
        where model = 'RefreshToken' and id_hash = ${idHash('r77')}`,
    ],
  ])('K04 EXPLAIN shows an index for %s', async (_, query) => {
    const { rows } = await sql<Record<string, string>>`explain (costs off) ${query}`.execute(db)
    const plan = rows.map(row => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Index (Only )?Scan/)
    expect(plan).not.toContain('Seq Scan')
  })
})

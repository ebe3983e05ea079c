import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { recordAuditEvent } from '../../../storage/audit.ts'
import { saveIdpToken, saveProfile, takeLease } from '../../../storage/connection-lease.ts'
import { createConnection } from '../../../storage/connections.ts'
import {
  addRecordOnce,
  consumeRecord,
  replaceRecord,
  upsertRecord,
} from '../../../storage/records.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const secret = () => randomBytes(24).toString('base64url')

const secrets = {
  code: secret(),
  refresh_token: secret(),
  state: secret(),
  uid: secret(),
  verifier: secret(),
  successor: secret(),
  logout_token_id: secret(),
  idp_refresh_token: secret(),
  rotated_idp_refresh_token: secret(),
  new_idp_sid: secret(),
  idp_sub: secret(),
  idp_sid: secret(),
  email: 'alice.liddell@acme.example',
}

/** The spellings in which a secret in a dump could be used, or found, by whoever reads it. */
function spellings(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  // base64 depends on the position within three bytes: what is the same in all surroundings.
  const base64 = [0, 1, 2].map(shift => {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    return padded
      .toString('base64')
      .slice(Math.ceil((shift * 4) / 3), Math.floor((padded.length * 4) / 3) - 1)
  })
  const texts = [text, ...base64, bytes.toString('hex'), bytes.toString('hex').toUpperCase()]
  const url = base64.map(encoded => encoded.replaceAll('+', '-').replaceAll('/', '_'))
  return [...texts, ...url].map(spelling => Buffer.from(spelling))
}

describe('a dump of the database', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
    const { store } = test
    const expires_at = new Date(Date.now() + 3_600_000)
    const { code, refresh_token, state, uid, verifier, email } = secrets
    const payload = { jti: code, email, code_verifier: verifier, list: [refresh_token, { state }] }
    await upsertRecord(store, 'AuthorizationCode', code, payload, { grant_id: 'c1', expires_at })
    await upsertRecord(store, 'RefreshToken', refresh_token, payload, { grant_id: 'c1' })
    await upsertRecord(store, 'Interaction', uid, { ...payload, uid }, { uid, expires_at })
    await upsertRecord(store, 'upstream_login', state, { state, verifier, uid }, { expires_at })
    await consumeRecord(store, 'RefreshToken', refresh_token)
    const { idp_sub, idp_sid, idp_refresh_token } = secrets
    await createConnection(store, {
      id: 'c1',
      user_id: 'usr_alice',
      org_id: 'acme',
      client_id: 'client',
      idp_id: 'okta',
      expires_at,
      profile: { email, roles: ['admin'], idp_sub, idp_sid },
      idp_refresh_token,
    })
    await upsertRecord(store, 'RefreshToken', 'used', payload, { grant_id: 'c1' })
    const { successor, logout_token_id, rotated_idp_refresh_token, new_idp_sid } = secrets
    await replaceRecord(store, 'RefreshToken', 'used', {
      id: successor,
      payload: { jti: successor },
      keys: { grant_id: 'c1', user_id: 'usr_alice', expires_at },
    })
    await addRecordOnce(store, 'LogoutToken', logout_token_id, expires_at)
    const lease = { connection_id: 'c1', holder: 'replica' }
    await takeLease(store, lease, 60)
    await saveProfile(store, lease, { email, roles: [], idp_sub, idp_sid: new_idp_sid })
    await saveIdpToken(store, lease, rotated_idp_refresh_token)
    await recordAuditEvent(test.db, { type: 'token', outcome: 'ok', user_id: 'usr_alice', email })
  })

  afterAll(() => test.close())

  /** Every table's every row, as PostgreSQL holds it: text as text, bytea as its bytes. */
  async function dump(): Promise<Map<string, Buffer>> {
    // A partitioned table gives the rows of its partitions.
    const { rows: tables } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not relispartition`.execute(test.db)
    const dumped = new Map<string, Buffer>()
    for (const { name } of tables) {
      const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(
        test.db,
      )
      const cells = rows.flatMap(row => Object.values(row))
      const bytes = cells.map(cell =>
        Buffer.isBuffer(cell)
          ? cell
          : Buffer.from(typeof cell === 'string' ? cell : JSON.stringify(cell)),
      )
      dumped.set(name, Buffer.concat(bytes.flatMap(cell => [cell, Buffer.of(0)])))
    }
    return dumped
  }

  /** What is legible where: `table: secret`. */
  async function findings(): Promise<string[]> {
    const dumped = await dump()
    return [...dumped].flatMap(([table, bytes]) =>
      Object.entries(secrets)
        .filter(([, text]) => spellings(text).some(spelling => bytes.includes(spelling)))
        .map(([name]) => `${table}: ${name}`),
    )
  }

  it('K01 holds no secret in any spelling, and the email in the audit trail only', async () => {
    expect(await findings()).toEqual(['audit_events: email'])
  })

  it('K01 was searched table by table, with rows in each', async () => {
    const dumped = await dump()
    for (const table of ['oidc_records', 'connections', 'audit_events'])
      expect(dumped.get(table)?.length).toBeGreaterThan(50)
  })

  it.each([
    ['in clear', (text: string) => Buffer.from(text)],
    ['inside JSON', (text: string) => Buffer.from(JSON.stringify({ token: text }))],
    ['in hex', (text: string) => Buffer.from(Buffer.from(text).toString('hex'))],
    ['in base64', (text: string) => Buffer.from(Buffer.from(text).toString('base64'))],
    [
      'in base64 of JSON',
      (text: string) => Buffer.from(Buffer.from(`{"a":"${text}"}`).toString('base64')),
    ],
    [
      'in base64url, one byte further',
      (text: string) => Buffer.from(Buffer.from(`x${text}`).toString('base64url')),
    ],
  ])('K01 would show a secret planted %s', async (_, encode) => {
    const id_hash = createHash('sha256').update('planted').digest()
    const payload = encode(secrets.refresh_token)
    await test.db
      .insertInto('oidc_records')
      .values({ model: 'planted', id_hash, payload })
      .execute()
    const found = await findings()
    await test.db.deleteFrom('oidc_records').where('model', '=', 'planted').execute()
    expect(found).toContain('oidc_records: refresh_token')
  })
})

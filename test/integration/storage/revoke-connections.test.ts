import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { createConnection } from '../../../storage/connections.ts'
import type { ConnectionSelector } from '../../../storage/end-connections.ts'
import { upsertRecord } from '../../../storage/records.ts'
import {
  type Revocation,
  revokeConnections,
  type Revoker,
  revokeUser,
} from '../../../storage/revoke-connections.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

const people = { alice: ['acme', 'globex'], bob: ['acme'], carol: ['globex'] } as const
const all = ['alice-acme', 'alice-globex', 'bob-acme', 'carol-globex']
const alice: Revoker = { kind: 'user', user_id: 'usr_alice' }
const acme_admin: Revoker = { kind: 'admin', user_id: 'usr_boss', org_id: 'acme' }

describe('connections that are ended by hand', () => {
  let test: TestStore

  beforeAll(async () => {
    test = await createTestStore()
  })

  afterAll(() => test.close())

  beforeEach(async () => {
    for (const table of ['connections', 'oidc_records', 'audit_events'] as const)
      await test.db.deleteFrom(table).execute()
    for (const [name, orgs] of Object.entries(people)) {
      for (const org_id of orgs)
        await createConnection(test.store, {
          id: `${name}-${org_id}`,
          user_id: `usr_${name}`,
          org_id,
          client_id: 'claude',
          idp_id: 'okta',
          expires_at: new Date(Date.now() + 3_600_000),
          profile: { email: `${name}@example.com`, roles: [], idp_sub: name },
        })
      await upsertRecord(test.store, 'Session', `s-${name}`, {}, { user_id: `usr_${name}` })
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

  const sessions = async () =>
    (await test.db.selectFrom('oidc_records').select('user_id').orderBy('user_id').execute()).map(
      ({ user_id }) => user_id,
    )

  const events = () =>
    test.db
      .selectFrom('audit_events')
      .select(['connection_id', 'type', 'outcome', 'user_id', 'org_id', 'email', 'reason'])
      .execute()

  async function revoked(revocation: Revocation): Promise<readonly string[]> {
    const ids: string[] = []
    for await (const batch of revokeConnections(test.store, revocation))
      ids.push(...batch.map(({ id }) => id))
    return ids.sort()
  }

  it.each<[string, Revoker, ConnectionSelector, readonly string[]]>([
    ['a user one of their own', alice, { id: 'alice-acme' }, ['alice-acme']],
    ['a user all of them', alice, { user_id: 'usr_alice' }, ['alice-acme', 'alice-globex']],
    ['a user those of a client', alice, { client_id: 'claude' }, ['alice-acme', 'alice-globex']],
    ["a user nobody else's", alice, { id: 'bob-acme' }, []],
    ['a user no other user', alice, { user_id: 'usr_bob' }, []],
    ['a user no organization', alice, { org_id: 'acme', user_id: 'usr_bob' }, []],
    ['an admin one of the org', acme_admin, { id: 'bob-acme' }, ['bob-acme']],
    ['an admin a user in the org', acme_admin, { user_id: 'usr_alice' }, ['alice-acme']],
    ['an admin those of a client', acme_admin, { client_id: 'claude' }, ['alice-acme', 'bob-acme']],
    ["an admin none of another org's", acme_admin, { id: 'carol-globex' }, []],
    ['an admin no other org', acme_admin, { org_id: 'globex' }, []],
    [
      'an operator any',
      { kind: 'operator' },
      { org_id: 'globex' },
      ['alice-globex', 'carol-globex'],
    ],
  ])('T08 %s', async (_, by, selector, expected) => {
    expect(await revoked({ selector, by })).toEqual(expected)
    expect(await active()).toEqual(all.filter(id => !expected.includes(id)))
    expect((await events()).map(({ connection_id }) => connection_id).sort()).toEqual(expected)
  })

  it.each<[Revoker, string | undefined, string, string]>([
    [alice, undefined, 'user_revoked', 'user_revoked'],
    [alice, 'lost my laptop', 'user_revoked', 'user_revoked: lost my laptop'],
    [acme_admin, undefined, 'admin_revoked', 'admin_revoked: by usr_boss'],
    [acme_admin, 'left us', 'admin_revoked', 'admin_revoked: by usr_boss: left us'],
    [{ kind: 'operator' }, 'audit', 'operator', 'operator: audit'],
  ])('T08 %j saying %s has its reason on record', async (by, detail, ended_reason, reason) => {
    await revoked({ selector: { id: 'alice-acme' }, by, detail })
    const row = await test.db
      .selectFrom('connections')
      .select(['status', 'ended_reason'])
      .where('id', '=', 'alice-acme')
      .executeTakeFirstOrThrow()
    expect(row).toEqual({ status: 'ended', ended_reason })
    expect(await events()).toEqual([
      {
        connection_id: 'alice-acme',
        type: 'revocation',
        outcome: 'ok',
        user_id: 'usr_alice',
        org_id: 'acme',
        email: 'alice@example.com',
        reason,
      },
    ])
  })

  it.each([alice, acme_admin, { kind: 'operator' } as const])(
    'T08 %j who names nothing ends nothing',
    async by => {
      for (const selector of [{}, { id: undefined } as unknown as ConnectionSelector])
        await expect(revoked({ selector, by })).rejects.toThrow(TypeError)
      expect(await active()).toEqual(all)
    },
  )

  it('T08 nothing ends off the record', async () => {
    await sql`alter table audit_events rename to gone`.execute(test.db)
    const attempt = revoked({ selector: { id: 'alice-acme' }, by: alice })
    await expect(attempt).rejects.toThrow()
    await sql`alter table gone rename to audit_events`.execute(test.db)
    expect(await active()).toEqual(all)
  })

  it.each<[string, Revoker, string, readonly string[], boolean]>([
    ['an operator everywhere', { kind: 'operator' }, 'alice', ['alice-acme', 'alice-globex'], true],
    ['an admin in the org', acme_admin, 'alice', ['alice-acme'], true],
    ['an admin nobody of another org', acme_admin, 'carol', [], false],
    ['a user nobody else', alice, 'bob', [], false],
    ['a user themselves', alice, 'alice', ['alice-acme', 'alice-globex'], true],
  ])('T08 a user is revoked by %s, browsers included', async (_, by, name, expected, out) => {
    const done = await revokeUser(test.store, `usr_${name}`, { by })
    expect(done).toEqual({ connections: expected.length, browser_sessions: out ? 1 : 0 })
    expect(await active()).toEqual(all.filter(id => !expected.includes(id)))
    const signed_in = Object.keys(people).map(each => `usr_${each}`)
    expect(await sessions()).toEqual(signed_in.filter(id => !(out && id === `usr_${name}`)))
  })
})

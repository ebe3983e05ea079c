import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql, type Transaction } from 'kysely'
import { endConnection } from '../../../../storage/end-connections.ts'
import type { Tables } from '../../../../storage/tables.ts'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  register,
} from '../../../support/authorization-server.ts'
import { openConnection, type OpenConnection, refresh } from '../../../support/open-connection.ts'
import { expectSoon } from '../../../support/soon.ts'

/**
 * A refresh reads, has oidc-provider judge, and writes. Here something happens between the reading
 * and the writing: the writing waits for a row that this test has locked.
 */
describe('a refresh that is overtaken before it is written', () => {
  let server: AuthorizationServer

  beforeAll(async () => {
    server = await openAuthorizationServer()
  })
  afterAll(() => server.close())

  const waiting = async () => {
    const { rows } = await sql<{ waiting: number }>`
      select count(*)::int as waiting from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`.execute(server.db)
    return rows[0]?.waiting
  }

  /** Does this while `count` refreshes have been judged and wait to be written. */
  async function beforeWriting(
    who: OpenConnection,
    count: number,
    work: (transaction: Transaction<Tables>) => Promise<unknown>,
  ) {
    const transaction = await server.db.startTransaction().execute()
    await sql`select from connections where id = ${who.connection_id} for update`.execute(
      transaction,
    )
    const answers = Array.from({ length: count }, () => refresh(server, who))
    await expectSoon(waiting, count)
    await work(transaction)
    await transaction.commit().execute()
    return Promise.all(answers)
  }

  const tokensOf = async ({ connection_id: id }: OpenConnection) =>
    (
      await server.db
        .selectFrom('oidc_records')
        .select('model')
        .where('grant_id', '=', id)
        .execute()
    ).length

  const eventsOf = async ({ connection_id: id }: OpenConnection, type: string) =>
    (
      await server.db
        .selectFrom('audit_events')
        .select('outcome')
        .where('connection_id', '=', id)
        .where('type', '=', type)
        .execute()
    ).map(({ outcome }) => outcome)

  it('T07 T08 by a revocation gives nothing, and leaves no token behind', async () => {
    const who = await openConnection(server.url)
    const ring = server.settings.storage_keys
    const [answer] = await beforeWriting(who, 1, db =>
      endConnection({ db, ring }, who.connection_id, 'operator'),
    )
    expect([answer?.status, answer?.body.error]).toEqual([400, 'invalid_grant'])
    expect(await tokensOf(who)).toBe(0)
    expect(await eventsOf(who, 'refresh')).toEqual(['refused'])
    expect((await refresh(server, who)).body.error).toBe('invalid_grant')
  })

  it('T04 by its end gives nothing', async () => {
    const who = await openConnection(server.url)
    const [answer] = await beforeWriting(who, 1, db =>
      db
        .updateTable('connections')
        .set({ expires_at: sql<Date>`now() - interval '1 ms'` })
        .where('id', '=', who.connection_id)
        .execute(),
    )
    expect([answer?.status, answer?.body.error]).toEqual([400, 'invalid_grant'])
    expect(await eventsOf(who, 'refresh')).toEqual(['refused'])
  })

  it('T03 by others with the same token gets what the first of them got', async () => {
    const who = await openConnection(server.url)
    const answers = await beforeWriting(who, 5, () => Promise.resolve())
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(successors).not.toContain(who.refresh_token)
    expect(await eventsOf(who, 'refresh')).toEqual(Array(5).fill('ok'))
  })

  it('T03 another client learns nothing by coming at the same moment', async () => {
    const who = await openConnection(server.url)
    const thief = await register(server.url, { client_name: 'A thief' })
    let stolen: Awaited<ReturnType<typeof refresh>> | undefined
    const [answer] = await beforeWriting(who, 1, async () => {
      stolen = await refresh(server, { ...who, client_id: thief.client_id })
    })
    expect([stolen?.status, stolen?.body.error]).toEqual([400, 'invalid_grant'])
    expect(answer?.status).toBe(200)
  })

  it('T10 is not consumed when the trail cannot be written, and goes on when it can', async () => {
    const who = await openConnection(server.url)
    await sql`alter table audit_events add constraint no check (type <> 'refresh') not valid`.execute(
      server.db,
    )
    const failed = await refresh(server, who)
    await sql`alter table audit_events drop constraint no`.execute(server.db)
    expect([failed.status, failed.body.error]).toEqual([503, 'temporarily_unavailable'])
    const { consumed } = await server.db
      .selectFrom('oidc_records')
      .select(({ fn }) => fn.count<number>('consumed_at').as('consumed'))
      .where('grant_id', '=', who.connection_id)
      .where('model', '=', 'RefreshToken')
      .executeTakeFirstOrThrow()
    expect(consumed).toBe(0)
    expect((await refresh(server, who)).status).toBe(200)
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { idHash } from '../../../storage/digest.ts'
import { register, token } from '../../support/authorization-server.ts'
import { type Company, openCompany } from '../../support/company.ts'
import { openConnection } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { connectionOf } from '../../support/token-claims.ts'

describe('refreshes on two replicas', () => {
  let company: Company
  let system: Replicas
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
  })

  afterAll(async () => {
    await system.close()
    await company.close()
  })

  const refresh = (at: Replica, client_id: string, refresh_token: string) =>
    token(at.url, { grant_type: 'refresh_token', client_id, refresh_token })

  const connection = (id: string) =>
    system.db
      .selectFrom('connections')
      .select(['status', 'ended_reason', 'expires_at'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  const admitted = async (at: Replica, access_token: string) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  /** As if the token had been consumed so many seconds earlier. */
  const age = (refresh_token: string, seconds: number) =>
    system.db
      .updateTable('oidc_records')
      .set({ consumed_at: sql<Date>`now() - make_interval(secs => ${seconds})` })
      .where('model', '=', 'RefreshToken')
      .where('id_hash', '=', idHash(refresh_token))
      .where('consumed_at', 'is not', null)
      .executeTakeFirstOrThrow()

  it('T03 ten refreshes at once with one token get one successor', async () => {
    const { client_id, refresh_token } = await openConnection(system.url)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        refresh(index % 2 ? one : other, client_id, refresh_token),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(successors).not.toContain(refresh_token)
    for (const { body } of answers) expect(await admitted(one, body.access_token)).toBe(200)
  })

  it('T03 a lost answer is made up for on the other replica, with the same successor', async () => {
    const { client_id, refresh_token } = await openConnection(system.url)
    const first = await refresh(one, client_id, refresh_token)
    await age(refresh_token, 28)
    const again = await refresh(other, client_id, refresh_token)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(first.body.refresh_token)
    const next = await refresh(one, client_id, again.body.refresh_token)
    expect(next.status).toBe(200)
    expect(next.body.refresh_token).not.toBe(again.body.refresh_token)
  })

  it('T03 a token whose successor was used is a replay that ends the connection', async () => {
    const tokens = await openConnection(system.url)
    const { client_id, refresh_token } = tokens
    const first = await refresh(one, client_id, refresh_token)
    const second = await refresh(one, client_id, first.body.refresh_token)
    const replay = await refresh(other, client_id, refresh_token)
    expect([replay.status, replay.body.error]).toEqual([400, 'invalid_grant'])
    expect(await connection(connectionOf(tokens))).toMatchObject({ status: 'ended' })
    for (const lost of [first.body.refresh_token, second.body.refresh_token])
      expect((await refresh(one, client_id, lost)).body.error).toBe('invalid_grant')
  })

  it('T03 a token consumed more than 30 seconds ago is a replay that ends the connection', async () => {
    const tokens = await openConnection(system.url)
    const { client_id, refresh_token } = tokens
    const first = await refresh(one, client_id, refresh_token)
    await age(refresh_token, 31)
    const replay = await refresh(other, client_id, refresh_token)
    expect([replay.status, replay.body.error]).toEqual([400, 'invalid_grant'])
    const id = connectionOf(tokens)
    expect(await connection(id)).toMatchObject({
      status: 'ended',
      ended_reason: 'refresh_token_reused',
    })
    const events = await system.db
      .selectFrom('audit_events')
      .select(['type', 'outcome', 'reason', 'email'])
      .where('connection_id', '=', id)
      .orderBy('id', 'desc')
      .limit(2)
      .execute()
    expect(events).toContainEqual({
      type: 'revocation',
      outcome: 'ok',
      reason: 'refresh_token_reused',
      email: 'alice@acme.example',
    })
    expect((await refresh(one, client_id, first.body.refresh_token)).body.error).toBe(
      'invalid_grant',
    )
  })

  it.each(['unused', 'consumed', 'consumed long ago'])(
    "T03 another client's refresh token, %s, is refused and its connection goes on",
    async state => {
      const tokens = await openConnection(system.url)
      let { refresh_token: current } = tokens
      if (state !== 'unused')
        current = (await refresh(one, tokens.client_id, current)).body.refresh_token
      if (state === 'consumed long ago') await age(tokens.refresh_token, 3_000)
      const thief = await register(system.url, { client_name: 'A thief' })
      const attempt = await refresh(other, thief.client_id, tokens.refresh_token)
      expect([attempt.status, attempt.body.error]).toEqual([400, 'invalid_grant'])
      expect(await connection(connectionOf(tokens))).toMatchObject({ status: 'active' })
      expect((await refresh(one, tokens.client_id, current)).status).toBe(200)
    },
  )

  it('T04 no refresh moves the end of the connection or of its refresh token', async () => {
    const tokens = await openConnection(system.url)
    const id = connectionOf(tokens)
    const ends = async () => {
      const { rows } = await sql<{ latest: Date }>`
        select max(expires_at) as latest from oidc_records where grant_id = ${id}`.execute(
        system.db,
      )
      return { connection: (await connection(id)).expires_at, records: rows[0]?.latest }
    }
    const before = await ends()
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const refreshed = await refresh(other, tokens.client_id, tokens.refresh_token)
    expect(refreshed.status).toBe(200)
    const after = await ends()
    expect(after.connection).toEqual(before.connection)
    const moved = (after.records?.getTime() ?? NaN) - (before.records?.getTime() ?? NaN)
    expect(Math.abs(moved)).toBeLessThanOrEqual(1_000)
  })

  it('T04 around the last second every refresh gives 200 or invalid_grant', async () => {
    const { client_id, ...tokens } = await openConnection(system.url)
    await system.db
      .updateTable('connections')
      .set({ expires_at: sql<Date>`now() + interval '600 ms'` })
      .where('id', '=', connectionOf(tokens))
      .execute()
    let { refresh_token } = tokens
    const seen: string[] = []
    for (let last = false; !last;) {
      last = seen.at(-1) === '400 invalid_grant'
      const { status, body } = await refresh(
        seen.length % 2 ? one : other,
        client_id,
        refresh_token,
      )
      seen.push(`${status} ${body.error ?? ''}`)
      if (status === 200) refresh_token = body.refresh_token
    }
    expect(new Set(seen)).toEqual(new Set(['200 ', '400 invalid_grant']))
  })
})

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Company, openCompany } from '../../support/company.ts'
import { openConnection, type OpenConnection, refresh } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'
import { claimsOf } from '../../support/token-claims.ts'

const alice = 'alice@acme.example'

describe('the word of the identity provider at a refresh, on three replicas', () => {
  let company: Company
  let system: Replicas

  beforeAll(async () => {
    system = await openReplicas({
      count: 3,
      settings: async url => {
        company = await openCompany(url)
        return {
          identity_providers: [{ ...company.setting, roles_claim: 'roles' }],
          idp_outage_grace: 600,
        }
      },
    })
  })

  afterAll(async () => {
    await system.close()
    await company.close()
  })

  beforeEach(() => {
    company.trouble = undefined
    company.delay = 0
  })

  const signedIn = (user = alice) => openConnection(system.url, user)

  /** As if so many seconds had gone by since the identity provider was asked. */
  const age = ({ connection_id }: OpenConnection, seconds: number) =>
    system.db
      .updateTable('connections')
      .set({ idp_asked_at: sql<Date>`idp_asked_at - make_interval(secs => ${seconds})` })
      .where('id', '=', connection_id)
      .execute()

  const rowOf = ({ connection_id }: OpenConnection) =>
    system.db
      .selectFrom('connections')
      .selectAll()
      .where('id', '=', connection_id)
      .executeTakeFirstOrThrow()

  const endOf = async (who: OpenConnection) => (await rowOf(who)).ended_reason

  const rolesAt = async ({ url }: Pick<Replica, 'url'>, access_token: string) => {
    const answer = await fetch(`${url}/mcp`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    const { authorization } = (await answer.json()) as { authorization: string }
    return claimsOf(authorization.replace('Bearer ', '')).roles
  }

  it('T05 sixty simultaneous refreshes on three replicas ask once, and get one successor', async () => {
    const alice = await signedIn()
    await age(alice, 61)
    company.delay = 300
    const before = company.refreshes
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        refresh(system.replicas[index % 3] as Replica, alice),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect(company.refreshes - before).toBe(1)
  })

  it('T05 asks again with the rotated token after a minute, and not before', async () => {
    let alice = await signedIn()
    const before = company.refreshes
    const go = async () => {
      const { status, body } = await refresh(system, alice)
      expect(status).toBe(200)
      alice = { ...alice, ...body }
    }
    await go()
    await age(alice, 55)
    await go()
    expect(company.refreshes - before).toBe(0)
    for (const times of [1, 2, 3]) {
      await age(alice, 61)
      await go()
      await go()
      expect(company.refreshes - before).toBe(times)
    }
  })

  it('T05 somebody dismissed loses the connection, with its reason on record', async () => {
    const bob = await signedIn('bob@acme.example')
    company.dismiss('bob@acme.example')
    await age(bob, 61)
    const { status, body } = await refresh(system, bob)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(await endOf(bob)).toBe('idp_refused')
    const { reason, user_id, email } = await system.db
      .selectFrom('audit_events')
      .selectAll()
      .where('connection_id', '=', bob.connection_id)
      .where('type', '=', 'revocation')
      .executeTakeFirstOrThrow()
    expect({ reason, user_id, email }).toEqual({
      reason: 'idp_refused: invalid_grant',
      user_id: claimsOf(bob.access_token).sub,
      email: 'bob@acme.example',
    })
  })

  it('T05 a lost org ends the connection for it', async () => {
    const carol = await signedIn('carol@globex.example')
    company.user('carol@globex.example').orgs = ['acme']
    await age(carol, 61)
    expect((await refresh(system, carol)).body.error).toBe('invalid_grant')
    expect(await endOf(carol)).toBe('org_lost')
  })

  it('T05 a lost role is gone from what the upstream is told, on every replica', async () => {
    const alice = await signedIn()
    for (const replica of system.replicas)
      expect(await rolesAt(replica, alice.access_token)).toEqual(['admin'])
    company.user('alice@acme.example').roles = ['viewer']
    await age(alice, 61)
    const { status, body } = await refresh(system, alice)
    expect(status).toBe(200)
    for (const replica of system.replicas)
      await expectSoon(async () => String(await rolesAt(replica, body.access_token)), 'viewer')
    company.user('alice@acme.example').roles = ['admin']
  })

  it('T05 an outage ends nothing within the grace, and beyond it refreshes wait', async () => {
    let alice = await signedIn()
    await age(alice, 61)
    company.trouble = ({ url }) => (url === '/token' ? 'fail' : undefined)
    const bridged = await refresh(system, alice)
    expect(bridged.status).toBe(200)
    alice = { ...alice, ...bridged.body }
    const { idp_unavailable_since } = await rowOf(alice)
    expect(idp_unavailable_since).not.toBeNull()
    await system.db
      .updateTable('connections')
      .set({ idp_unavailable_since: sql<Date>`now() - interval '601 s'` })
      .where('id', '=', alice.connection_id)
      .execute()
    for (const seconds of [0, 61]) {
      await age(alice, seconds)
      const waits = await refresh(system, alice)
      expect([waits.status, waits.body.error]).toEqual([503, 'temporarily_unavailable'])
    }
    expect(await rowOf(alice)).toMatchObject({ status: 'active' })
    company.trouble = undefined
    await age(alice, 61)
    expect((await refresh(system, alice)).status).toBe(200)
    expect((await rowOf(alice)).idp_unavailable_since).toBeNull()
  })

  it('T05 the rotated token is kept also when nothing after it works', async () => {
    let alice = await signedIn()
    await age(alice, 61)
    const before = (await rowOf(alice)).idp_refresh_token
    await sql`
      create function no_audit() returns trigger language plpgsql as
      'begin raise exception ''no audit''; end'`.execute(system.db)
    await sql`
      create trigger no_audit before insert on audit_events
      for each row execute function no_audit()`.execute(system.db)
    const failed = await refresh(system, alice)
    await sql`drop function no_audit cascade`.execute(system.db)
    expect(failed.status).toBe(503)
    expect((await rowOf(alice)).idp_refresh_token).not.toEqual(before)
    for (const seconds of [0, 61]) {
      await age(alice, seconds)
      const { status, body } = await refresh(system, alice)
      expect(status).toBe(200)
      alice = { ...alice, ...body }
    }
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openDatabase } from '../../../storage/database.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import { type Revoker, revokeUser } from '../../../storage/revoke-connections.ts'
import type { Store } from '../../../storage/store.ts'
import {
  approve,
  authorizationRequest,
  callback,
  openBrowser,
  register,
  signIn,
  token,
  type Tokens,
} from '../../support/authorization-server.ts'
import { type Company, openCompany } from '../../support/company.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { expectSoon } from '../../support/soon.ts'
import { claimsOf, connectionOf } from '../../support/token-claims.ts'

type Connected = Tokens & { readonly client_id: string; readonly connection_id: string }

describe('a user who is disabled, on two replicas', () => {
  let company: Company
  let system: Replicas
  let store: Store

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting] }
      },
    })
    const ring = parseKeyRing(String(system.settings.storage_keys))
    store = { db: openDatabase(system.database_url), ring }
  })

  afterAll(async () => {
    await store.db.destroy()
    await system.close()
    await company.close()
  })

  async function connected(client_id: string, user: string): Promise<Connected> {
    const browser = openBrowser()
    const request = authorizationRequest(system.url, client_id)
    const answer = await approve(browser, await signIn(browser, request.url, user))
    const { status, body } = await token(system.url, {
      grant_type: 'authorization_code',
      client_id,
      code: answer.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    })
    expect(status).toBe(200)
    return { ...body, client_id, connection_id: connectionOf(body) }
  }

  const admitted = async (at: Replica, { access_token }: Tokens) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  const sessionsOf = async (user_id: string) =>
    (
      await system.db
        .selectFrom('oidc_records')
        .select('model')
        .where('user_id', '=', user_id)
        .where('model', '=', 'Session')
        .execute()
    ).length

  it.each<[string, (user_id: string) => Revoker, string]>([
    ['an operator', () => ({ kind: 'operator' }), 'operator'],
    [
      'an admin of the org',
      () => ({ kind: 'admin', user_id: 'usr_boss', org_id: 'acme' }),
      'admin_revoked: by usr_boss',
    ],
    ['the user', user_id => ({ kind: 'user', user_id }), 'user_revoked'],
  ])(
    'T08 disabled by %s, 3 clients with 2 connections each lose all six, and every browser',
    async (_, by, reason) => {
      const clients: string[] = []
      for (const client_name of ['one', 'two', 'three'])
        clients.push((await register(system.url, { client_name })).client_id)
      const alices: Connected[] = []
      for (const client_id of [...clients, ...clients])
        alices.push(await connected(client_id, 'alice@acme.example'))
      const bob = await connected(clients[0] ?? '', 'bob@acme.example')
      const user_id = String(claimsOf(alices[0]?.access_token ?? '').sub)
      const bobs_sessions = await sessionsOf(String(claimsOf(bob.access_token).sub))
      for (const at of system.replicas)
        for (const who of [...alices, bob]) expect(await admitted(at, who)).toBe(200)
      expect(await sessionsOf(user_id)).toBeGreaterThan(0)

      const done = await revokeUser(store, user_id, { by: by(user_id) })

      expect(done.connections).toBe(6)
      expect(await sessionsOf(user_id)).toBe(0)
      for (const at of system.replicas) {
        for (const who of alices) {
          await expectSoon(() => admitted(at, who), 401)
          const { client_id, refresh_token } = who
          const refused = await token(at.url, {
            grant_type: 'refresh_token',
            client_id,
            refresh_token,
          })
          expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
        }
        expect(await admitted(at, bob)).toBe(200)
      }
      expect(await sessionsOf(String(claimsOf(bob.access_token).sub))).toBe(bobs_sessions)
      const ids = alices.map(({ connection_id }) => connection_id)
      const events = await system.db
        .selectFrom('audit_events')
        .select(['connection_id', 'reason', 'email'])
        .where('type', '=', 'revocation')
        .where('connection_id', 'in', ids)
        .execute()
      expect(events.map(({ connection_id }) => connection_id).sort()).toEqual([...ids].sort())
      for (const event of events)
        expect(event).toMatchObject({ reason, email: 'alice@acme.example' })
    },
  )
})

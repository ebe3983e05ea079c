import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql, type SqlBool } from 'kysely'
import { idHash } from '../../../storage/digest.ts'
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
import { openReplicas, type Replicas } from '../../support/replicas.ts'
import { claimsOf, connectionOf } from '../../support/token-claims.ts'

const usual = 86_400
const shorter = 300

describe('an identity provider that gives no refresh token', () => {
  let asking: Company
  let silent: Company
  let system: Replicas

  beforeAll(async () => {
    system = await openReplicas({
      count: 1,
      settings: async url => {
        asking = await openCompany(url, { id: 'asking' })
        silent = await openCompany(url, { id: 'silent', refresh_tokens: false })
        return {
          identity_providers: [asking.setting, silent.setting],
          connection_ttl: usual,
          connection_ttl_without_idp_refresh: shorter,
        }
      },
    })
  })

  afterAll(async () => {
    await system.close()
    await Promise.all([asking.close(), silent.close()])
  })

  /** Milliseconds since the epoch: the end that the consent page names. */
  function endOn(html: string): number {
    const [, iso] = /<time datetime="([^"]+)"/.exec(html) ?? []
    if (iso === undefined) throw new Error('the consent page names no end')
    return Date.parse(iso)
  }

  async function connectWith(idp: 'asking' | 'silent') {
    const { client_id } = await register(system.url)
    const browser = openBrowser()
    const request = authorizationRequest(system.url, client_id)
    const consent = await signIn(browser, request.url, 'alice@acme.example', idp)
    const answer = await approve(browser, consent)
    const { status, body } = await token(system.url, {
      grant_type: 'authorization_code',
      client_id,
      code: answer.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    })
    expect(status).toBe(200)
    return { client_id, promised: endOn(consent.html), id: connectionOf(body), body }
  }

  const refresh = (client_id: string, { refresh_token }: Tokens) =>
    token(system.url, { grant_type: 'refresh_token', client_id, refresh_token })

  const call = async ({ access_token }: Tokens) =>
    (await fetch(`${system.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } }))
      .status

  const connection = (id: string) =>
    system.db
      .selectFrom('connections')
      .select(['created_at', 'expires_at', 'idp_refresh_token'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  /** The grant, the tokens and the code of a connection. */
  const recordsOf = (id: string) =>
    sql<SqlBool>`(grant_id = ${id} or model = 'Grant' and id_hash = ${idHash(id)})`

  /** The latest end of what the authorization server keeps for a connection. */
  const lastRecord = async (id: string) => {
    const { end } = await system.db
      .selectFrom('oidc_records')
      .select(({ fn }) => fn.max('expires_at').as('end'))
      .where(recordsOf(id))
      .executeTakeFirstOrThrow()
    if (end === null) throw new Error('nothing is kept for it')
    return end.getTime()
  }

  /** As if so many seconds had gone by since the approval. */
  const age = async (id: string, seconds: number) => {
    const earlier = { expires_at: sql<Date>`expires_at - make_interval(secs => ${seconds})` }
    await system.db.updateTable('connections').set(earlier).where('id', '=', id).execute()
    await system.db.updateTable('oidc_records').set(earlier).where(recordsOf(id)).execute()
  }

  it.each([
    ['silent', shorter],
    ['asking', usual],
  ] as const)(
    'T06 %s: the connection ends after %i seconds, as consented',
    async (idp, seconds) => {
      const { id, promised } = await connectWith(idp)
      const { created_at, expires_at, idp_refresh_token } = await connection(id)
      expect(idp_refresh_token === null).toBe(idp === 'silent')
      const lives = (expires_at.getTime() - created_at.getTime()) / 1000
      expect(Math.abs(lives - seconds)).toBeLessThan(5)
      expect(Math.abs(promised - expires_at.getTime())).toBeLessThan(60_000)
    },
  )

  it('T06 no token outlives it, and no refresh moves it', async () => {
    const { client_id, id, body } = await connectWith('silent')
    const { expires_at } = await connection(id)
    let tokens = body
    for (let refreshes = 0; refreshes < 3; refreshes++) {
      expect(tokens.expires_in).toBeLessThanOrEqual(shorter)
      expect(Number(claimsOf(tokens.access_token).exp) * 1000).toBeLessThanOrEqual(
        expires_at.getTime(),
      )
      expect(await lastRecord(id)).toBe(expires_at.getTime())
      const { status, body } = await refresh(client_id, tokens)
      expect(status).toBe(200)
      tokens = body
    }
    expect((await connection(id)).expires_at).toEqual(expires_at)
    expect(silent.refreshes).toBe(0)
  })

  it('T06 past it there is neither access nor refresh, while one that can be asked about goes on', async () => {
    const [over, goes_on] = [await connectWith('silent'), await connectWith('asking')]
    await age(over.id, shorter)
    await age(goes_on.id, shorter)
    expect(await call(over.body)).toBe(401)
    expect(await call(goes_on.body)).toBe(200)
    const refused = await refresh(over.client_id, over.body)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    expect((await refresh(goes_on.client_id, goes_on.body)).status).toBe(200)
  })
})

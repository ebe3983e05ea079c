import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  connect,
  openAuthorizationServer,
  openBrowser,
  register,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { client_registrations } from '../../../support/client-registrations.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer({ most_unused_clients: 30 })
})
afterAll(() => server.close())

const send = async (metadata: object) => {
  const response = await fetch(`${server.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  const body = (await response.json()) as Readonly<Record<string, unknown>>
  return { status: response.status, headers: response.headers, body }
}
const forget = () => sql`delete from oidc_records where model = 'Client'`.execute(server.db)
/** Seconds that each registration has left, the used ones null. */
const left = async () => {
  const { rows } = await sql<{ left: number | null }>`
    select round(extract(epoch from expires_at - now()) / 60)::int as left
    from oidc_records where model = 'Client' order by expires_at nulls last`.execute(server.db)
  return rows.map(row => row.left)
}
const age = (hours: number) =>
  sql`update oidc_records set expires_at = expires_at - make_interval(hours => ${hours})
    where model = 'Client'`.execute(server.db)

describe('R06 the registration of', () => {
  it.each(client_registrations)(
    '$client is the same each time, with any port on loopback',
    async ({ metadata }) => {
      await forget()
      const { redirect_uris } = metadata as { redirect_uris: readonly string[] }
      const again = redirect_uris.map(uri => uri.replace(/^(http:.*:)\d+/, '$14711')).reverse()
      const answers = await Promise.all([
        send(metadata),
        send({ ...metadata, redirect_uris: again }),
        send({ ...metadata, redirect_uris: again, logo_uri: null, tos_uri: null }),
      ])
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
      expect(new Set(answers.map(({ body }) => body['client_id'])).size).toBe(1)
      expect(answers[1].body['redirect_uris']).toEqual(again)
      expect(await left()).toEqual([24 * 60])
    },
  )

  it('a client with a secret is its own each time', async () => {
    const metadata = {
      redirect_uris: [callback],
      token_endpoint_auth_method: 'client_secret_basic',
    }
    const [one, other] = await Promise.all([send(metadata), send(metadata)])
    expect(one.body['client_id']).not.toBe(other.body['client_id'])
    expect(one.body['client_secret']).not.toBe(other.body['client_secret'])
  })
})

describe('R06 a registered client', () => {
  it('stays once a connection of it was approved, and not for less', async () => {
    await forget()
    const { client_id } = await register(server.url)
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const consent = await signIn(browser, request.url)
    expect(await left()).toEqual([24 * 60])
    await approve(browser, consent)
    expect(await left()).toEqual([null])
  })

  it('does not expire between the request and its approval', async () => {
    await forget()
    const { client_id } = await register(server.url)
    await sql`update oidc_records set expires_at = now() + interval '2 seconds'
      where model = 'Client'`.execute(server.db)
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const consent = await signIn(browser, request.url)
    expect(await left()).toEqual([31])
    const code = (await approve(browser, consent)).get('code') ?? ''
    const { status } = await token(server.url, {
      ...{ grant_type: 'authorization_code', client_id, code, redirect_uri: callback },
      code_verifier: request.code_verifier,
    })
    expect(status).toBe(200)
  })

  it('R07 that has expired is unknown, at /authorize with a page and at /token with 401', async () => {
    await forget()
    const { client_id } = await register(server.url)
    await age(25)
    const page = await openBrowser().open(authorizationRequest(server.url, client_id).url)
    expect([page.status, page.says]).toEqual([
      400,
      expect.stringContaining('its registration has expired'),
    ])
    const { status, body } = await token(server.url, {
      ...{ grant_type: 'refresh_token', refresh_token: 'x', client_id },
    })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    // The same metadata brings the same client back.
    expect(await register(server.url)).toMatchObject({ client_id })
  })
})

describe('R06 a flood of registrations', () => {
  it('is refused in words beyond the limit, on record, and harms no client that is known', async () => {
    await forget()
    const used = await connect(server.url)
    const flood = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        send({ redirect_uris: [callback], client_name: `Flood ${n}` }),
      ),
    )
    const refused = flood.filter(({ status }) => status === 503)
    expect(flood.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(30)
    // Those at the same moment may exceed it by as many as the pool has connections.
    expect(refused.length).toBeGreaterThanOrEqual(15)
    const [first] = refused
    expect(first?.headers.get('retry-after')).toBe('3600')
    expect(first?.body).toMatchObject({
      error: 'temporarily_unavailable',
      error_description: expect.stringContaining('Too many applications'),
    })
    const event = await server.db
      .selectFrom('audit_events')
      .selectAll()
      .where('error_code', '=', 'temporarily_unavailable')
      .executeTakeFirst()
    expect(event).toMatchObject({ type: 'registration', outcome: 'refused' })
    expect((await token(server.url, used.redemption)).status).toBe(200)
    // What is known is registered again, and may be used.
    await expect(connect(server.url)).resolves.toBeDefined()
  })
})

const uri = callback
const nested = '['.repeat(5_000) + ']'.repeat(5_000)

describe('R06 a registration that is', () => {
  it.each<[string, string, number, string?]>([
    ['nothing', '', 400],
    ['no JSON', '{', 400],
    ['null', 'null', 400],
    ['a text', '"x"', 400],
    ['nested deeply', nested, 400],
    ['a NUL', `{"redirect_uris":["${uri}"],"client_name":"\\u0000"}`, 201],
    ['invalid UTF-8 in spirit', '{"redirect_uris":["\\ud800"]}', 400, 'invalid_redirect_uri'],
    ['of a text in place of a list', `{"redirect_uris":"${uri}"}`, 400],
    ['of a list in a list', `{"redirect_uris":[["${uri}"]]}`, 400],
    ['of an object in the list', `{"redirect_uris":[{"length":1}]}`, 400],
    [
      'of one name twice, the last counts',
      `{"redirect_uris":["javascript:1"],"redirect_uris":["${uri}"]}`,
      201,
    ],
    [
      'of one name twice, the last is bad',
      `{"redirect_uris":["${uri}"],"redirect_uris":["javascript:1"]}`,
      400,
      'invalid_redirect_uri',
    ],
    ['of a prototype', `{"__proto__":{"redirect_uris":["${uri}"]}}`, 400],
    [
      'of 33 URIs',
      JSON.stringify({ redirect_uris: Array.from({ length: 33 }, (_, n) => `${uri}/${n}`) }),
      400,
    ],
    [
      'of a URI of 3,000 characters',
      JSON.stringify({ redirect_uris: [`https://a.example/${'x'.repeat(3_000)}`] }),
      400,
      'invalid_redirect_uri',
    ],
    [
      'of a name of 201 characters',
      JSON.stringify({ redirect_uris: [uri], client_name: 'x'.repeat(201) }),
      400,
    ],
    [
      'of 33 grant types',
      JSON.stringify({
        redirect_uris: [uri],
        grant_types: Array<string>(33).fill('authorization_code'),
      }),
      400,
    ],
    [
      'of a script as its website',
      JSON.stringify({ redirect_uris: [uri], client_uri: 'javascript:alert(1)' }),
      400,
    ],
    ['of a logo that is no URL', JSON.stringify({ redirect_uris: [uri], logo_uri: 'x' }), 400],
    [
      'of more than 64 kB',
      JSON.stringify({ redirect_uris: [uri], x: 'x'.repeat(66_000) }),
      413,
      'invalid_request',
    ],
  ])(
    '%s is answered as it should be',
    async (_name, body, status, error = 'invalid_client_metadata') => {
      await forget()
      const response = await fetch(`${server.url}/register`, { method: 'POST', body })
      const text = await response.text()
      expect([response.status, text]).toEqual([status, expect.any(String)])
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      expect(text).not.toMatch(/ at .*:\d+:\d+/)
      if (status !== 201)
        expect(JSON.parse(text)).toEqual({ error, error_description: expect.any(String) })
      expect(await left()).toHaveLength(status === 201 ? 1 : 0)
    },
  )
})

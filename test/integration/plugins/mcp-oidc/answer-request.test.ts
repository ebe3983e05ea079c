import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { gzipSync } from 'node:zlib'
import {
  type AnswerRequest,
  answerRequests,
  type ClientRequest,
} from '../../../../plugins/mcp-oidc/authorization/answer-request.ts'
import { createRuntime } from '../../../../plugins/mcp-oidc/runtime.ts'
import { serveAuthorization } from '../../../../plugins/mcp-oidc/authorization/serve-authorization.ts'
import { untraced } from '../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { recordingLog, runPhase } from '../../../support/fake-kong.ts'
import {
  type AuthorizationServer,
  connect,
  openAuthorizationServer,
  type Tokens,
} from '../../../support/authorization-server.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const json = { 'content-type': 'application/json' }
const secret = 'of-a-resource-server-that-asks-about-tokens'
const basic = {
  authorization: `Basic ${Buffer.from(`api:${secret}`).toString('base64')}`,
}
const metadata = (more: object) =>
  JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'], client_name: 'One', ...more })

type Ask = readonly [string, Partial<Omit<ClientRequest, 'body'>> & { body?: string | Buffer }]
const requests: readonly Ask[] = [
  ['a registration', { url: '/register', headers: json, body: metadata({}) }],
  ['a registration that the policy refuses', { url: '/register', headers: json, body: '{}' }],
  ['a registration of nonsense', { url: '/register', headers: json, body: '{' }],
  ['a registration without a type', { url: '/register', headers: {}, body: metadata({}) }],
  [
    'a registration that oidc-provider refuses',
    { url: '/register', headers: json, body: metadata({ response_types: ['token'] }) },
  ],
  ['no grant', { body: '' }],
  ['an unknown grant', { body: 'grant_type=password&client_id=nobody' }],
  ['an unknown code', { body: 'grant_type=authorization_code&code=x&client_id=nobody' }],
  ['an unknown refresh token', { body: 'grant_type=refresh_token&refresh_token=x&client_id=n' }],
  ['two refresh tokens', { body: 'grant_type=refresh_token&refresh_token=x&refresh_token=y' }],
  ['a grant as JSON', { headers: json, body: '{"grant_type":"refresh_token"}' }],
  ['a grant of no type', { headers: {}, body: 'grant_type=refresh_token' }],
  ['a compressed grant', { headers: { ...form, 'content-encoding': 'gzip' }, body: gzipSync('a') }],
  ['a grant of an unknown encoding', { headers: { ...form, 'content-encoding': 'x' }, body: 'a' }],
  ['a grant that is too large', { body: 'a'.repeat(64 * 1024 + 1) }],
  ['a wrong secret', { headers: { ...form, ...basic }, body: 'grant_type=refresh_token' }],
  ['a revocation without a token', { url: '/revoke', body: 'client_id=nobody' }],
  ['a revocation of an unknown token', { url: '/revoke', body: 'token=x&client_id=nobody' }],
  ['an introspection', { url: '/introspect', body: 'token=x' }],
  ['an introspection with a secret', { url: '/introspect', headers: { ...form, ...basic } }],
  ['the keys', { method: 'GET', url: '/jwks' }],
  ['the keys, with a query', { method: 'GET', url: '/jwks?x=1' }],
  ['the keys, their headers only', { method: 'HEAD', url: '/jwks' }],
  ['the keys, posted', { url: '/jwks', body: '' }],
  ['userinfo without a token', { method: 'GET', url: '/userinfo' }],
  [
    'userinfo with a wrong token',
    { method: 'GET', url: '/userinfo', headers: { authorization: 'Bearer x' } },
  ],
  ['userinfo by POST', { url: '/userinfo', body: 'access_token=x' }],
  ['a preflight', { method: 'OPTIONS', headers: { origin: 'https://a.example' } }],
  ['a token by GET', { method: 'GET' }],
  ['a token by PUT', { method: 'PUT', body: 'x' }],
  ['a token with a slash', { url: '/token/', body: 'x' }],
  ['another host', { headers: { ...form, host: 'evil.example' }, body: 'grant_type=x' }],
  ['an origin', { headers: { ...form, origin: 'https://a.example' }, body: 'grant_type=x' }],
]

const complete = ([, { body, ...request }]: Ask): ClientRequest => ({
  ...{ method: 'POST', url: '/token', headers: form, ip: '192.0.2.7' },
  ...request,
  ...(body === undefined ? {} : { body: Buffer.from(body) }),
})

/** What Kong is told, without what is another at each request. */
async function told(answer: AnswerRequest, { body, ...request }: ClientRequest) {
  const { exit } = await runPhase(
    async kong => {
      await serveAuthorization(kong, answer, untraced)
    },
    { ...request, ...(body ? { body: { content: body } } : {}) },
  )
  return { ...exit, body: exit?.body.replace(/"client_id_issued_at":\d+/, '') }
}

describe('an answer', () => {
  let server: AuthorizationServer
  let byApp: AnswerRequest

  beforeAll(async () => {
    server = await openAuthorizationServer({
      resource_servers: [{ id: 'api', secret }],
    })
    byApp = answerRequests(server.runtime.app, [])
  })
  afterAll(() => server.close())

  const events = async () => {
    const rows = await server.db
      .selectFrom('audit_events')
      .select(['type', 'outcome', 'error_code', 'client_id', 'ip', 'request_id', 'reason'])
      .orderBy('id')
      .execute()
    await server.db.deleteFrom('audit_events').execute()
    return rows
  }

  // First: an app that was asked in process serves no real connection any more.
  it('puts the same on record with the detour through the app and without', async () => {
    const headers = { ...form, 'x-request-id': 'r-1' }
    const { redemption } = await connect(server.url, 'alice@acme.example')
    const redeemed = async (answer: AnswerRequest, grant: Readonly<Record<string, string>>) => {
      await events()
      const body = Buffer.from(new URLSearchParams(grant).toString())
      const response = await answer({ ...complete(['', {}]), headers, body })
      return { tokens: JSON.parse(response.body.toString()) as Tokens, events: await events() }
    }
    const first = await redeemed(server.runtime.answer, redemption)
    const refresh = ({ refresh_token }: Tokens) => ({
      ...{ grant_type: 'refresh_token', refresh_token, client_id: redemption.client_id },
    })
    const second = await redeemed(byApp, refresh(first.tokens))
    const third = await redeemed(server.runtime.answer, refresh(second.tokens))
    expect(third.events).toEqual(second.events)
    expect(third.events).toMatchObject([
      { type: 'refresh', outcome: 'ok', ip: '192.0.2.7', request_id: 'r-1' },
    ])
    // RFC 6749 4.1.2: the second use of a code ends what the first one issued.
    const again = await redeemed(server.runtime.answer, redemption)
    expect(again.events.map(({ type, outcome }) => [type, outcome])).toContainEqual([
      'token',
      'refused',
    ])
    const after = await redeemed(server.runtime.answer, refresh(third.tokens))
    expect(after.tokens).toMatchObject({ error: 'invalid_grant' })
  })

  it.each(requests)('to %s is the same too', async (...ask) => {
    const request = complete(ask)
    expect(await told(server.runtime.answer, request)).toEqual(await told(byApp, request))
  })

  it('G05 is a 503 with the headers of every answer while there is no database', async () => {
    const log = recordingLog()
    const database_url = 'postgres://nobody:nothing@127.0.0.1:1/none'
    const alone = createRuntime({ ...server.settings, database_url }, log, Date.now)
    try {
      for (const ask of requests.filter(([name]) => /^(?:a registration|no grant)$/.test(name))) {
        const request = { ...complete(ask), headers: { ...form, 'x-request-id': 'r-2' } }
        const answer = await alone.answer(request)
        expect(answer.status).toBe(503)
        expect(answer.headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'retry-after': '5',
          'access-control-allow-origin': '*',
        })
        expect(JSON.parse(answer.body.toString())).toMatchObject({
          error: 'temporarily_unavailable',
        })
        expect(log.entries.at(-1)).toMatchObject({
          level: 'error',
          detail: { request_id: 'r-2', route: request.url.slice(1) },
        })
      }
    } finally {
      await alone.close()
    }
  })
})

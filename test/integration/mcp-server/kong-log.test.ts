import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type ServerOptions, startServer, type TestServer } from './server.ts'

const token = 'a token that Kong and this server know'
const start = Date.parse('2026-11-27T10:00:10Z')

const others: TestServer[] = []
afterEach(async () => {
  await Promise.all(others.splice(0).map(server => server.stop()))
})
/** A server of a test's own. */
async function another(options: ServerOptions): Promise<TestServer> {
  const server = await startServer(options)
  others.push(server)
  return server
}

/** As Kong's http-log sends it, with the custom fields of config/kong.yml; much is left out. */
function message(changes: object = {}, headers: object = {}) {
  const identity = { 'x-user-email': 'alice@acme.example', 'x-client-id': 'dcr_claude' }
  return {
    request: {
      id: 'f00f',
      method: 'POST',
      headers: { host: 'gw.example', authorization: 'REDACTED', ...identity, ...headers },
      size: 300,
    },
    response: { status: 429, headers: { 'retry-after': '12' }, size: 200 },
    latencies: { kong: 1, proxy: -1, request: 1, receive: 0 },
    route: { name: 'mcp', paths: ['~/mcp/?$'] },
    client_ip: '192.0.2.9',
    started_at: start,
    source: 'kong',
    correlation_id: 'req-1',
    user_id: 'usr_alice',
    org_id: 'acme',
    ...changes,
  }
}
const of_nobody = { user_id: undefined, org_id: undefined, limited_by: 'ip' }

describe("M05 what Kong's http-log tells", () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer({ log_ingest_token: token, now: () => start + 1_000 })
  })
  afterAll(() => server.stop())

  const post = (body: string, headers: Record<string, string> = { 'x-log-ingest-token': token }) =>
    fetch(`${server.url}/kong-log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  const send = (messages: unknown) => post(JSON.stringify(messages))
  const count = async () => (await server.events()).length
  const last = async () => (await server.events()).at(-1)

  it('of an answer of 429 to somebody known is on record when it is answered, once', async () => {
    expect((await send(message())).status).toBe(204)
    const stored = Object.entries((await last()) ?? {})
    const known = stored.filter(([name, value]) => name !== 'id' && value !== null)
    expect(Object.fromEntries(known)).toEqual({
      ...{ type: 'rate_limit', outcome: 'refused', error_code: 'rate_limited' },
      ...{ user_id: 'usr_alice', org_id: 'acme', email: 'alice@acme.example' },
      ...{ client_id: 'dcr_claude', request_id: 'req-1', ip: '192.0.2.9', route: 'mcp' },
      ...{ limited_by: 'user', at: new Date(start) },
    })
    const before = await count()
    expect((await send([message(), message()])).status).toBe(204)
    expect(await count()).toBe(before)
    expect(await server.metrics()).toContain('mcp_rate_limit_refusals_total{limited_by="user"} 1')
  })

  it.each([
    ['org', { limited_by: 'org', correlation_id: 'req-org' }, {}, {}],
    [
      'tool',
      { limited_by: 'tool', correlation_id: 'req-tool' },
      { 'x-mcp-tool': 'usr_alice/a/b' },
      { tool: 'a/b' },
    ],
  ])('says whose limit it was: %s', async (limited_by, changes, headers, more) => {
    await send([message(changes, headers)])
    expect(await last()).toMatchObject({ limited_by, user_id: 'usr_alice', ...more })
  })

  it('in words of another plugin costs no other message of the batch', async () => {
    const foreign = { ...of_nobody, limited_by: 'a quota of mine', correlation_id: 'req-foreign' }
    const known = { correlation_id: 'req-beside' }
    expect((await send([message(foreign), message(known)])).status).toBe(204)
    expect(await last()).toMatchObject({ request_id: 'req-beside', limited_by: 'user' })
  })

  it('of nobody known is counted by the minute and address', async () => {
    const before = await count()
    const flood = Array.from({ length: 40 }, (_, n) =>
      message({ ...of_nobody, correlation_id: `flood-${n}`, route: { name: 'register' } }),
    )
    await send(flood)
    await send(flood)
    expect(await count()).toBe(before)
    await server.tally.close()
    expect(await count()).toBe(before + 1)
    expect(await last()).toMatchObject({
      ...{ type: 'rate_limit', limited_by: 'ip', ip: '192.0.2.9', route: 'register', count: 40 },
      ...{ request_id: null, user_id: null, email: null, at: new Date(start - 10_000) },
    })
  })

  it.each([
    ['another status', message({ response: { status: 200 }, correlation_id: 'a' })],
    ['a 429 of the MCP server', message({ source: 'upstream', correlation_id: 'b' })],
    ['a 429 of mcp-oidc', message({ ...of_nobody, limited_by: undefined, correlation_id: 'c' })],
    ['another day', message({ started_at: start - 86_400_000, correlation_id: 'd' })],
    ['the future', message({ started_at: start + 86_400_000, correlation_id: 'e' })],
  ])('is left alone: %s', async (_name, told) => {
    const before = await count()
    expect((await send([told])).status).toBe(204)
    await server.tally.close()
    expect(await count()).toBe(before)
  })

  it.each([
    ['no token', {}],
    ['another token', { 'x-log-ingest-token': `${token}.` }],
    ['the token of another header', { authorization: `Bearer ${token}` }],
  ])('is refused with %s', async (_name, headers: Record<string, string>) => {
    const before = await count()
    const told = JSON.stringify(message({ correlation_id: 'forged' }))
    expect((await post(told, headers)).status).toBe(401)
    expect(await count()).toBe(before)
  })

  it.each([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['a text', '"429"', 400],
    ['a list of others', '[1]', 400],
    ['a message without a time', JSON.stringify({ ...message(), started_at: 'now' }), 400],
    ['one good and one bad', JSON.stringify([message({ correlation_id: 'x' }), {}]), 400],
    ['deep', '['.repeat(100_000), 400],
    ['deep, and whole', '['.repeat(50_000) + ']'.repeat(50_000), 400],
    ['huge', JSON.stringify([message({ filler: 'x'.repeat(5_000_000) })]), 413],
  ])('is refused as %s, and nothing of it is on record', async (_name, body, status) => {
    const before = await count()
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: 'invalid_request' })
    expect(await count()).toBe(before)
  })

  it('is refused of another type or method', async () => {
    const headers = { 'x-log-ingest-token': token, 'content-type': 'text/plain' }
    expect((await post(JSON.stringify(message()), headers)).status).toBe(400)
    expect((await fetch(`${server.url}/kong-log`)).status).toBe(404)
  })

  it('is for Kong to send again while it cannot be recorded', async () => {
    const other = await another({
      log_ingest_token: token,
      audit_url: 'postgresql://nobody@127.0.0.1:1/none',
      now: () => start,
    })
    const response = await fetch(`${other.url}/kong-log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-log-ingest-token': token },
      body: JSON.stringify(message()),
    })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
  })
})

describe('a server without a token for it', () => {
  it('M05 has no such endpoint', async () => {
    const server = await another({})
    const headers = { 'content-type': 'application/json', 'x-log-ingest-token': '' }
    const body = JSON.stringify(message())
    const response = await fetch(`${server.url}/kong-log`, { method: 'POST', headers, body })
    expect(response.status).toBe(404)
  })
})

describe('M05 requests without a good assertion', () => {
  it('are counted by the minute, reason and address', async () => {
    const server = await another({ now: () => start })
    for (const headers of [{}, {}, { authorization: 'Bearer nonsense' }])
      await fetch(`${server.url}/mcp`, { method: 'POST', headers: new Headers(headers) })
    expect(await server.events()).toEqual([])
    await server.tally.close()
    const row = { type: 'refusal', outcome: 'refused', ip: '127.0.0.1', user_id: null }
    expect(await server.events()).toMatchObject([
      { ...row, error_code: 'missing', count: 2, at: new Date(start - 10_000) },
      { ...row, error_code: 'malformed', count: 1 },
    ])
  })
})

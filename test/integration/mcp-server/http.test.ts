import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from 'node:http'
import { sign } from './assertion.ts'
import {
  ALLOWED_ORIGIN,
  bearer,
  call,
  messageOf,
  post,
  startServer,
  type TestServer,
} from './server.ts'

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

/** With a Host of one's own, which fetch does not let one set. */
const statusWith = (headers: Record<string, string>) =>
  new Promise<number | undefined>((resolve, reject) => {
    const body = JSON.stringify(LIST)
    const length = { 'content-type': 'application/json', 'content-length': String(body.length) }
    request(
      `${server.url}/mcp`,
      { method: 'POST', headers: { ...headers, ...length } },
      response => {
        response.resume()
        resolve(response.statusCode)
      },
    )
      .on('error', reject)
      .end(body)
  })

describe('G06 headers of an older client that say something of the body', () => {
  const whoami = { ...LIST, method: 'tools/call', params: { name: 'whoami', arguments: {} } }
  const send = async (body: object, headers: Record<string, string>) =>
    post(server, body, { ...(await bearer()), ...headers })

  it.each([
    ['neither', whoami, {}],
    ['the method', whoami, { 'mcp-method': 'tools/call' }],
    ['both', whoami, { 'mcp-method': 'tools/call', 'mcp-name': 'whoami' }],
    ['the name in base64', whoami, { 'mcp-name': '=?base64?d2hvYW1p?=' }],
    ['another method', LIST, { 'mcp-method': 'tools/list' }],
    ['a name where there is none', LIST, { 'mcp-name': 'whoami' }],
  ])('pass when they are true: %s', async (_name, body, headers) => {
    const runs = server.runs()
    expect((await send(body, headers as Record<string, string>)).status).toBe(200)
    expect(server.runs() - runs).toBe(body === whoami ? 1 : 0)
  })

  it.each([
    ['another method', whoami, { 'mcp-method': 'tools/list' }],
    ['a method in another case', whoami, { 'mcp-method': 'Tools/Call' }],
    ['another name', whoami, { 'mcp-name': 'search_companies' }],
    ['another name in base64', whoami, { 'mcp-name': '=?base64?d2hvYW1P?=' }],
    ['base64 that is written in another way', whoami, { 'mcp-name': '=?base64?d2hvYW1p=?=' }],
    ['the right name, and the method wrong', whoami, { 'mcp-name': 'whoami', 'mcp-method': 'x' }],
    ['a name of nothing', { ...whoami, params: null }, { 'mcp-name': 'whoami' }],
  ])('are refused when they are not: %s', async (_name, body, headers) => {
    const runs = server.runs()
    const refused = await send(body, headers)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: { code: -32_020 } })
    expect(server.runs()).toBe(runs)
    expect((await server.events()).at(-1)).toMatchObject({
      ...{
        type: 'refusal',
        outcome: 'refused',
        error_code: '-32020',
        client_id: expect.any(String),
      },
    })
  })
})

describe('origins', () => {
  it('G05 lets the allowed origin and no origin pass', async () => {
    expect((await post(server, LIST, { ...(await bearer()), origin: ALLOWED_ORIGIN })).status).toBe(
      200,
    )
    expect((await post(server, LIST, await bearer())).status).toBe(200)
  })

  it.each([
    'https://evil.example',
    'http://gateway.example',
    'https://gateway.example:8443',
    'https://gateway.example.evil.example',
    'https://GATEWAY.example',
    'null',
    '',
    'https://gateway.example, https://gateway.example',
  ])('G05 refuses %j before anything else, with a good assertion too', async origin => {
    const refused = await statusWith({ ...(await bearer()), origin })
    expect(refused).toBe(403)
    expect(await statusWith({ origin })).toBe(403)
    expect((await fetch(`${server.url}/healthz`, { headers: { origin: 'null' } })).status).toBe(403)
  })

  it('G05 refuses a rebound page, whose Host and Origin agree', async () => {
    const origin = 'http://rebound.example:3000'
    const status = await statusWith({ ...(await bearer()), origin, host: 'rebound.example:3000' })
    expect(status).toBe(403)
  })
})

describe('paths', () => {
  it('answers on /mcp and /mcp/ without a redirect', async () => {
    for (const path of ['/mcp', '/mcp/']) {
      const response = await fetch(server.url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          ...(await bearer()),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify(LIST),
      })
      expect(response.status).toBe(200)
      expect(JSON.stringify(await messageOf(response))).toContain('whoami')
    }
  })

  it.each([
    '/',
    '/MCP',
    '/mcp/x',
    '/mcp//',
    '/jwks',
    '/.well-known/oauth-protected-resource',
    '/%',
  ])('answers %s with 404 in JSON', async path => {
    const response = await fetch(server.url + path, { headers: await bearer() })
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({ error: 'not_found' })
    expect(response.headers.get('x-powered-by')).toBeNull()
  })

  it('is live and ready', async () => {
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ready' })
  })

  it('has no stream to open and no session to end', async () => {
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(`${server.url}/mcp`, { method, headers: await bearer() })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('POST')
    }
  })
})

describe('bodies', () => {
  const cases: [string, string, number, number][] = [
    ['malformed JSON', '{"jsonrpc": "2.0",', 400, -32_700],
    ['a batch', JSON.stringify([LIST, LIST]), 400, -32_600],
    ['an empty batch', '[]', 400, -32_600],
    ['too much', JSON.stringify({ ...LIST, padding: 'x'.repeat(1_048_576) }), 413, -32_000],
  ]
  it.each(cases)(
    'answers %s with a JSON-RPC error, on record',
    async (_name, body, status, code) => {
      const request_id = `body-${status}${code}-${body.length}`
      const response = await post(server, body, { ...(await bearer()), 'x-request-id': request_id })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code } })
      const events = (await server.events()).filter(event => event.request_id === request_id)
      expect(events).toMatchObject([
        { type: 'refusal', outcome: 'refused', error_code: String(code), user_id: 'usr_bob' },
      ])
    },
  )

  it.each(['null', '"text"', '7', '{}', '{"jsonrpc":"1.0","id":1,"method":"tools/list"}'])(
    'answers %s with a JSON-RPC error',
    async body => {
      const response = await post(server, body, await bearer())
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: {} })
    },
  )

  it('G06 takes JSON under its own name only', async () => {
    const plain = await post(server, LIST, { ...(await bearer()), 'content-type': 'text/plain' })
    expect(plain.status).toBe(415)
    const dressed = { ...(await bearer()), 'content-type': 'Application/JSON; charset=utf-8' }
    expect((await post(server, LIST, dressed)).status).toBe(200)
  })
})

describe('the request id', () => {
  it('M04 is the one the gateway gave', async () => {
    await call(server, 'whoami', {}, {}, { 'x-request-id': 'gateway-id-1' })
    expect((await server.events()).at(-1)).toMatchObject({ request_id: 'gateway-id-1' })
  })

  it.each(['', 'a b', 'x'.repeat(129), '"quoted"', '<script>'])(
    'M04 is a new one instead of %j',
    async given => {
      const response = await post(server, LIST, {
        authorization: `Bearer ${await sign()}`,
        'x-request-id': given,
      })
      expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    },
  )
})

describe('draining', () => {
  it('ends an open stream of the 2026-07-28 era, and refuses what comes after', async () => {
    const other = await startServer()
    try {
      const params = {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      }
      const method = 'subscriptions/listen'
      const listen = { jsonrpc: '2.0', id: 1, method, params }
      const response = await post(other, listen, {
        ...(await bearer()),
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
      })
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      await other.drain()
      expect(await response.text()).toContain('notifications/subscriptions/acknowledged')
      expect((await post(other, LIST, await bearer())).status).toBe(500)
    } finally {
      await other.stop()
    }
  })
})

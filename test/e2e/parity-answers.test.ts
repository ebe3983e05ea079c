import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { callback } from '../support/authorization-server.ts'
import { settingsOf } from '../support/kong-yml.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { abandonRequest, rawRequest, type RawResponse } from '../support/raw-request.ts'
import { openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami, whoami_call, whoamiOf } from '../support/tool-call.ts'

let gateway: OpenGateway
let token: string
beforeAll(async () => {
  gateway = await openGateway()
  token = (await obtainTokens(gateway.url)).access_token
}, 60_000)
afterAll(() => gateway.close())

const json = ['Content-Type', 'application/json']
const bearer = () => ['Authorization', `Bearer ${token}`]
const authorization_paths = [
  ...['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp'],
  ...['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'],
  ...['/.well-known/nothing', '/authorize', '/authorize/x', '/token', '/register', '/revoke'],
  ...['/introspect', '/userinfo', '/jwks', '/logout', '/connect/x', '/callback/dev', '/assets/x'],
]

/** The headers whose names begin so. */
function named({ headers }: RawResponse, prefix: string) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith(prefix)))
}

describe('what browsers may do', () => {
  const cors = settingsOf('mcp', 'cors')
  const list = (setting: string) => (cors[setting] as readonly string[]).join(',')
  const preflight = ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'POST']
  const readable = {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': list('exposed_headers'),
  }

  it.each(['/mcp', '/mcp/', ...authorization_paths])(
    'D04 %s answers a preflight before anything is counted or asked for',
    async path => {
      const asked = ['Access-Control-Request-Headers', 'authorization, x-anything']
      const headers = [...preflight, ...asked]
      const answer = await rawRequest(gateway.url, path, { method: 'OPTIONS', headers })
      expect([answer.status, answer.body]).toEqual([200, ''])
      expect(named(answer, 'access-control-')).toEqual({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': list('headers'),
        'access-control-allow-methods': list('methods'),
        'access-control-max-age': String(cors['max_age']),
      })
      expect(named(answer, 'www-authenticate')).toEqual({})
      expect(named(answer, 'ratelimit-')).toEqual({})
    },
  )

  it.each(authorization_paths)('D04 %s may be read from everywhere', async path => {
    for (const method of ['GET', 'POST'])
      for (const headers of [[], ['Origin', 'https://app.example'], ['Origin', 'null']]) {
        const answer = await rawRequest(gateway.url, path, { method, headers })
        expect(named(answer, 'access-control-')).toEqual(readable)
      }
  })

  it('D04 /mcp may be read from everywhere, its refusals and their challenge too', async () => {
    const origin = ['Origin', 'https://app.example']
    const garbage = ['Authorization', 'Bearer garbage']
    const answers = [
      [401, await callWhoami(gateway.url, { headers: origin })],
      [401, await callWhoami(gateway.url, { headers: [...origin, ...garbage] })],
      [200, await callWhoami(gateway.url, { token })],
      // The MCP server's own refusal.
      [403, await callWhoami(gateway.url, { token, headers: origin })],
    ] as const
    for (const [status, answer] of answers) {
      expect(answer.status).toBe(status)
      expect(named(answer, 'access-control-')).toEqual(readable)
      expect('www-authenticate' in answer.headers).toBe(status === 401)
    }
    expect(cors['exposed_headers']).toEqual(
      expect.arrayContaining(['WWW-Authenticate', 'Retry-After', 'X-Request-Id']),
    )
  })
})

describe('every answer', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const answers: readonly (readonly [string, (headers: string[]) => Promise<RawResponse>])[] = [
    ['a tool', headers => callWhoami(gateway.url, { token, headers })],
    ['a refusal', headers => callWhoami(gateway.url, { headers })],
    ['the authorization server', headers => rawRequest(gateway.url, '/jwks', { headers })],
    ['a page', headers => rawRequest(gateway.url, '/connect/x', { headers })],
  ]

  it.each(answers)('O03 of %s has a request id that is new, not the client’s', async (_of, ask) => {
    const sent = ['X-Request-Id', 'attacker', 'x_request_id', 'attacker', 'X-REQUEST-ID', 'x']
    const ids: unknown[] = []
    for (const headers of [[], sent, sent]) {
      const answer = await ask(headers)
      expect(answer.headers['x-request-id']).toMatch(uuid)
      expect(answer.headers['x-kong-request-id']).toMatch(/^[0-9a-f]{32}$/)
      expect(JSON.stringify(answer)).not.toContain('attacker')
      ids.push(answer.headers['x-request-id'], answer.headers['x-kong-request-id'])
    }
    expect(new Set(ids).size).toBe(6)
  })

  it.each([
    ...answers,
    ['no route', () => rawRequest(gateway.url, '/nowhere')] as (typeof answers)[number],
  ])('of %s tells browsers to be careful with it', async (_of, ask) => {
    expect((await ask([])).headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
    })
  })
})

describe('what is nowhere', () => {
  it.each(['/', '/nowhere', '/mcpx', '/mcp/x', '/metrics', '/status'])(
    'G04 %s is a 404 in JSON, with a token or without',
    async path => {
      for (const headers of [[], bearer()]) {
        const answer = await rawRequest(gateway.url, path, { headers })
        expect(answer.status).toBe(404)
        expect(answer.headers['content-type']).toMatch(/^application\/json/)
        expect(JSON.parse(answer.body)).toEqual({
          message: 'no Route matched with those values',
          request_id: answer.headers['x-kong-request-id'],
        })
        expect(named(answer, 'access-control-')).toEqual({})
        expect(named(answer, 'www-authenticate')).toEqual({})
      }
    },
  )

  it('D04 under /.well-known/ is a 404 of the authorization server', async () => {
    const { body, headers, status } = await rawRequest(gateway.url, '/.well-known/nothing')
    expect(status).toBe(404)
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(JSON.parse(body)).toMatchObject({ error: 'not_found' })
  })
})

describe('a request body', () => {
  /** Sends nothing but the announcement. */
  const announce = (path: string, bytes: number, headers: readonly string[] = []) =>
    rawRequest(gateway.url, path, {
      method: 'POST',
      headers: [...json, ...headers, 'Content-Length', String(bytes)],
    })

  it.each(['/mcp', '/register', '/token', '/nowhere'])(
    'for %s of more than 1 MiB is refused before it is sent',
    async path => {
      for (const headers of [[], bearer()]) {
        const { body, ...answer } = await announce(path, 2 ** 20 + 1, headers)
        expect(answer.status).toBe(413)
        expect(answer.headers['content-type']).toMatch(/^application\/json/)
        expect(JSON.parse(body)).toEqual({
          message: 'Payload too large',
          request_id: answer.headers['x-kong-request-id'],
        })
      }
    },
  )

  it.each([20_000, 200_000, 1_000_000])('of %i bytes reaches the tool', async bytes => {
    const body = whoami_call.padEnd(bytes)
    const version = ['Accept', 'application/json, text/event-stream']
    const answer = await rawRequest(gateway.url, '/mcp', {
      method: 'POST',
      headers: [...json, ...version, ...bearer()],
      body,
    })
    expect(answer.status).toBe(200)
    expect(whoamiOf(answer).email).toBe('alice@acme.example')
  })

  it.each([
    [1_000, 201],
    [20_000, 201],
    [70_000, 413],
    // Kong hands it over in a file.
    [140_000, 413],
  ])('of %i bytes for /register is answered %i', async (bytes, status) => {
    const body = JSON.stringify({ redirect_uris: [callback] }).padEnd(bytes)
    const registration = { method: 'POST', headers: json, body }
    const answer = await rawRequest(gateway.url, '/register', registration)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject(
      status === 201 ? { redirect_uris: [callback] } : { error: 'invalid_request' },
    )
  })
})

describe('an answer of the MCP server', () => {
  it('is one body of JSON', async () => {
    const answer = await callWhoami(gateway.url, { token })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(answer.body)),
    })
    expect(whoamiOf(answer).email).toBe('alice@acme.example')
  })

  it('G08 is a stream of events when the client asks for progress, and passes as one', async () => {
    const answer = await callWhoami(gateway.url, { token, progress: true })
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'transfer-encoding': 'chunked',
    })
    expect(named(answer, 'content-length')).toEqual({})
    expect(named(answer, 'x-accel-')).toEqual({})
    expect(whoamiOf(answer).email).toBe('alice@acme.example')
  })

  it.each(['GET', 'DELETE'])('to %s says that there are no sessions', async method => {
    const headers = [...bearer(), 'Accept', 'text/event-stream']
    const {
      status,
      headers: got,
      body,
    } = await rawRequest(gateway.url, '/mcp', { method, headers })
    expect([status, got.allow]).toEqual([405, 'POST'])
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', error: { code: -32000 } })
  })

  it.each(['half sent', 'sent', 'half answered'] as const)(
    'G08 may be missed by clients that go away when they have it %s; the next gets its own',
    async when => {
      const leave = () => {
        const accept = ['Accept', 'application/json, text/event-stream']
        const headers = [...json, ...accept, ...bearer()]
        return abandonRequest(gateway.url, '/mcp', { headers, body: whoami_call }, when)
      }
      await Promise.all(Array.from({ length: 10 }, leave))
      expect(whoamiOf(await callWhoami(gateway.url, { token })).email).toBe('alice@acme.example')
    },
  )
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { rawRequest } from '../../support/raw-request.ts'
import { bearer, messageOf, post, startServer, type TestServer } from './server.ts'

const MODERN = '2026-07-28'
const told = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const whoami = (_meta: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'whoami', arguments: {}, _meta },
})

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const send = async (body: object, headers: Record<string, string> = {}) =>
  post(server, body, { ...(await bearer()), ...headers })

describe('the answer to a call', () => {
  it.each([
    ['of 2025-11-25', whoami(), {}, 'application/json'],
    [
      'of 2026-07-28',
      whoami(told),
      { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'whoami' },
      'application/json',
    ],
    ['that asks for progress', whoami({ progressToken: 'p' }), {}, 'text/event-stream'],
    ['whose progress has the number 0', whoami({ progressToken: 0 }), {}, 'text/event-stream'],
  ])('%s is %j', async (_name, body, headers, type) => {
    const response = await send(body, headers)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
    expect((await messageOf(response)).result?.structuredContent).toMatchObject({ org_id: 'acme' })
  })

  it.each(['application/json', 'text/event-stream', 'text/html'])(
    'is not given to a client of 2025-11-25 that takes %s alone',
    async accept => {
      const runs = server.runs()
      expect((await send(whoami(), { accept })).status).toBe(406)
      expect(server.runs()).toBe(runs)
    },
  )

  it('is refused for a revision that nobody knows, and none for a notification', async () => {
    expect((await send(whoami(), { 'mcp-protocol-version': '1999-01-01' })).status).toBe(400)
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const response = await send(initialized)
    expect(response.status).toBe(202)
    expect(await response.text()).toBe('')
  })
})

describe('a request that the SDK does not see', () => {
  const refused = async (at: TestServer, host: string) => {
    const { status, body } = await rawRequest(at.url, '/mcp', {
      method: 'POST',
      headers: Object.entries({
        ...(await bearer()),
        ...{ host, 'content-type': 'application/json' },
        accept: 'application/json, text/event-stream',
      }).flat(),
      body: JSON.stringify(whoami()),
    })
    const event = (await at.events()).at(-1)
    expect(event).toMatchObject({ type: 'refusal', outcome: 'refused', user_id: 'usr_bob' })
    const { error } = JSON.parse(body) as { error: { code: number } }
    expect(String(error.code)).toBe(event?.error_code)
    return status
  }

  it.each(['a b', 'a/b', 'a@b', '[::1', 'x:99999', '%', '\u00E9', 'x?y', ''])(
    'is refused on record when it is for the host %j',
    async host => {
      const runs = server.runs()
      expect(await refused(server, host)).toBe(400)
      expect(server.runs()).toBe(runs)
    },
  )

  it('is refused on record when it comes after the end', async () => {
    const other = await startServer()
    try {
      await other.drain()
      expect(await refused(other, 'x')).toBe(500)
      expect(other.runs()).toBe(0)
    } finally {
      await other.stop()
    }
  })
})

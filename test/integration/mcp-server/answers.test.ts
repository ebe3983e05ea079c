import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
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

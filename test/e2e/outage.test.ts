import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { openTrail } from '../support/audit-trail.ts'
import { authorizationRequest } from '../support/authorization-server.ts'
import { type GatewayBeside, openGatewayBeside } from '../support/gateway-beside.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest, type RawResponse } from '../support/raw-request.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

describeOwnStack('K05 without its database the plugin', 'a database that can be cut off', () => {
  let stack: OpenGateway
  let trail: ReturnType<typeof openTrail>
  let gateway: GatewayBeside
  let client: Awaited<ReturnType<typeof obtainTokens>>
  beforeAll(async () => {
    stack = await openGateway()
    trail = openTrail(ownStack(stack))
  }, 60_000)
  afterEach(() => gateway.close())
  afterAll(async () => {
    await trail.close()
    await stack.close()
  })

  /** A gateway that has seen nothing yet, and tokens it does not know. */
  async function open(): Promise<void> {
    gateway = await openGatewayBeside(stack)
    client = await obtainTokens(stack.url)
  }

  const requests: Readonly<Record<string, () => Promise<RawResponse>>> = {
    '/mcp': () => callWhoami(gateway.url, { token: client.access_token }),
    '/authorize': () => {
      const { url } = authorizationRequest(stack.url, client.client.client_id)
      return rawRequest(gateway.url, url.pathname + url.search, {
        headers: ['Accept', 'text/html'],
      })
    },
    '/token': () =>
      rawRequest(gateway.url, '/token', {
        method: 'POST',
        headers: ['Content-Type', 'application/x-www-form-urlencoded'],
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: client.client.client_id,
          refresh_token: client.refresh_token,
        }).toString(),
      }),
    '/register': () =>
      rawRequest(gateway.url, '/register', {
        method: 'POST',
        headers: ['Content-Type', 'application/json'],
        body: JSON.stringify({ redirect_uris: ['http://127.0.0.1:53682/callback'] }),
      }),
    '/callback/dev': () => rawRequest(gateway.url, '/callback/dev?state=x&code=y'),
  }
  const pages = ['/authorize', '/callback/dev']

  async function isUnavailable(): Promise<void> {
    const calls = await trail.toolCalls()
    for (const [path, ask] of Object.entries(requests)) {
      const { status, headers, body } = await ask()
      expect([path, status]).toEqual([path, 503])
      expect(headers).toHaveProperty('retry-after')
      expect(headers['cache-control']).toBe('no-store')
      const type = pages.includes(path) ? 'text/html' : 'application/json'
      expect([path, headers['content-type']]).toEqual([path, expect.stringContaining(type)])
      if (pages.includes(path)) expect(body).toMatch(/<h1[^>]*>/)
      else expect(JSON.parse(body)).toMatchObject({ error: 'temporarily_unavailable' })
      expect(body).not.toMatch(/ECONN|postgres|127\.0\.0\.1:\d|at \w+ \(/)
    }
    expect(await trail.toolCalls()).toBe(calls)
  }

  async function isBack(): Promise<void> {
    const calls = await trail.toolCalls()
    const answers: Record<string, RawResponse> = {}
    for (const [path, ask] of Object.entries(requests)) answers[path] = await ask()
    const statuses = Object.entries(answers).map(([path, { status }]) => [path, status])
    expect(Object.fromEntries(statuses)).toEqual({
      '/mcp': 200,
      '/authorize': 303,
      '/token': 200,
      '/register': 201,
      '/callback/dev': 400,
    })
    expect(whoamiOf(answers['/mcp'] as RawResponse).email).toBe('alice@acme.example')
    expect(await trail.toolCalls()).toBe(calls + 1)
  }

  it('answers 503 from its first request on, and recovers by itself', async () => {
    await open()
    await gateway.database.cut()
    await isUnavailable()
    await gateway.database.restore()
    await isBack()
  })

  it('answers 503 when it is lost later, and recovers by itself', async () => {
    await open()
    await isBack()
    await gateway.database.cut()
    client = await obtainTokens(stack.url)
    await isUnavailable()
    await gateway.database.restore()
    await isBack()
  })

  it('keeps serving its metadata and its keys, which need none', async () => {
    await open()
    await isBack()
    await gateway.database.cut()
    for (const path of [
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-authorization-server',
      '/jwks',
    ])
      expect((await rawRequest(gateway.url, path)).status).toBe(200)
    expect((await callWhoami(gateway.url)).status).toBe(401)
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { rm } from 'node:fs/promises'
import { openTrail } from '../support/audit-trail.ts'
import { type GatewayBeside, openGatewayBeside } from '../support/gateway-beside.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest } from '../support/raw-request.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

describeOwnStack('G01 no tool runs', 'a plugin server that may be killed', () => {
  let stack: OpenGateway
  let token: string
  let trail: ReturnType<typeof openTrail>
  let beside: GatewayBeside | undefined
  beforeAll(async () => {
    stack = await openGateway()
    token = (await obtainTokens(stack.url)).access_token
    trail = openTrail(ownStack(stack))
  }, 60_000)
  afterEach(async () => {
    await beside?.close()
    beside = undefined
  })
  afterAll(async () => {
    await trail.close()
    await stack.close()
  })

  const forged = [
    ...['X-User-Id', 'x_user_id', 'X-USER_ID'].flatMap(name => [name, 'usr_attacker']),
    ...['X-Org-Id', 'acme', 'X-User-Email', 'alice@acme.example', 'X-Client-Id', 'attacker'],
  ]
  const attempts = () => {
    const signed_in = ['Authorization', `Bearer ${token}`]
    const garbage = ['Authorization', 'Bearer garbage']
    return [signed_in, [...signed_in, ...forged], [], forged, garbage, [...garbage, ...forged]]
  }

  /** A gateway through which alice has just called a tool: whatever is refused later, is refused for a reason. */
  async function open(options?: Parameters<typeof openGatewayBeside>[1]): Promise<GatewayBeside> {
    const opened = (beside = await openGatewayBeside(stack, options))
    await works(opened)
    return opened
  }

  async function works({ url, upstream }: GatewayBeside): Promise<void> {
    const before = { calls: await trail.toolCalls(), requests: upstream.requests }
    expect(whoamiOf(await callWhoami(url, { token })).email).toBe('alice@acme.example')
    expect(await trail.toolCalls()).toBe(before.calls + 1)
    expect(upstream.requests).toBe(before.requests + 1)
  }

  async function refusesEverything({ url, upstream }: GatewayBeside): Promise<void> {
    const before = { calls: await trail.toolCalls(), requests: upstream.requests }
    const answers = await Promise.all(attempts().map(headers => callWhoami(url, { headers })))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503))
    for (const { body } of answers) expect(body).not.toContain('structuredContent')
    expect(await trail.toolCalls()).toBe(before.calls)
    expect(upstream.requests).toBe(before.requests)
  }

  it('while the plugin server is killed; the next one is found', async () => {
    const gateway = await open()
    gateway.signal('SIGKILL')
    await gateway.ended
    await refusesEverything(gateway)
    for (const path of ['/authorize?client_id=x', '/.well-known/oauth-authorization-server'])
      expect((await rawRequest(gateway.url, path)).status).toBe(503)
    await gateway.restartPluginServer()
    await works(gateway)
  })

  it('while it is stopped and answers nothing', async () => {
    // Milliseconds. The first call of all waits for the plugin's database connections, too.
    const gateway = await open({ plugin_server_timeout: 3_000 })
    gateway.signal('SIGSTOP')
    try {
      await refusesEverything(gateway)
    } finally {
      gateway.signal('SIGCONT')
    }
    expect(gateway.events).toContainEqual(
      expect.objectContaining({ msg: 'plugin server failed', code: 'timeout' }),
    )
  })

  it('while its socket is gone', async () => {
    const gateway = await open()
    // An answer of the plugin's own ends its connection, as with Kong; then none is left.
    expect((await callWhoami(gateway.url)).status).toBe(401)
    await rm(gateway.socket)
    await refusesEverything(gateway)
  })

  it('for anybody else, when it is killed under load', async () => {
    const gateway = await open()
    const calls = await trail.toolCalls()
    let answered = 0
    let admitted = 0
    const persist = async (headers: readonly string[]) => {
      for (;;) {
        const answer = await callWhoami(gateway.url, { headers })
        if ((answered += 1) === 100) gateway.signal('SIGKILL')
        if (answer.status === 503) return
        if (!headers.includes(`Bearer ${token}`)) expect(answer.status).toBe(401)
        else {
          expect(whoamiOf(answer).email).toBe('alice@acme.example')
          admitted += 1
        }
      }
    }
    const everybody = Array.from({ length: 4 }, attempts).flat()
    await Promise.all(everybody.map(persist))
    expect(admitted).toBeGreaterThan(0)
    expect(await trail.toolCalls()).toBe(calls + admitted)
    await refusesEverything(gateway)
  })

  it.each([
    ['without the guard', { enforce_guards: false }],
    ['by the guard alone', { dangerously_proxy_without_plugin_server: true }],
  ])('while it is killed, %s', async (_name, options) => {
    const gateway = await open(options)
    gateway.signal('SIGKILL')
    await gateway.ended
    await refusesEverything(gateway)
  })

  describe('with the gateway passing on what no plugin has judged', () => {
    it('M01 because the MCP server wants a signed identity', async () => {
      const gateway = await open({
        enforce_guards: false,
        dangerously_proxy_without_plugin_server: true,
      })
      gateway.signal('SIGKILL')
      await gateway.ended
      const before = { calls: await trail.toolCalls(), requests: gateway.upstream.requests }
      const answers = await Promise.all(
        attempts().map(headers => callWhoami(gateway.url, { headers })),
      )
      expect(gateway.upstream.requests).toBe(before.requests + answers.length)
      for (const { status, headers, body } of answers) {
        expect(status).toBe(401)
        expect(headers['www-authenticate']).toMatch(/^Bearer/)
        expect(JSON.parse(body)).toMatchObject({ error: 'invalid_token' })
      }
      expect(await trail.toolCalls()).toBe(before.calls)
    })

    it('M01 nor for a caller who gets past the gateway', async () => {
      const { mcp_server_url } = ownStack(stack)
      const calls = await trail.toolCalls()
      for (const headers of attempts())
        expect((await callWhoami(mcp_server_url, { headers })).status).toBe(401)
      expect(await trail.toolCalls()).toBe(calls)
    })
  })
})

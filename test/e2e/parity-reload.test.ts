import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { decodeJwt } from 'jose'
import { sensitive_fields } from '../../gateway/local/gateway/log-redaction.ts'
import { change, moveUpstream } from '../support/kong-yml.ts'
import { fieldOf, untilLogged } from '../support/log-lines.ts'
import { authorize, obtainTokens } from '../support/oauth-flow.ts'
import { token as redeem } from '../support/authorization-server.ts'
import { rawRequest, type RawResponse } from '../support/raw-request.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'
import { openStreamingUpstream, type StreamingUpstream } from '../support/streaming-upstream.ts'
import { callWhoami } from '../support/tool-call.ts'

describeOwnStack('with a kong.yml that changes', 'a configuration of its own', () => {
  let upstream: StreamingUpstream
  let gateway: OpenGateway
  let alice: string
  let bob: string
  let carol: string
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const signIn = async (user: string) =>
    (await obtainTokens(gateway.url, { user: `${user}.example` })).access_token
  beforeAll(async () => {
    upstream = await openStreamingUpstream()
    gateway = await openGateway(document => moveUpstream(document, upstream.port))
    alice = await signIn('alice@acme')
    bob = await signIn('bob@acme')
    carol = await signIn('carol@globex')
  }, 60_000)
  afterAll(async () => {
    agent.destroy()
    upstream.close()
    await gateway.close()
  })

  /** Puts the operator's file into force, with other limits in one plugin. */
  const reload = (plugin: string, limits: Record<string, number>) =>
    ownStack(gateway).reload(document =>
      change(document, plugin, { minute: null, hour: null, ...limits }),
    )
  const call = (token: string, headers: readonly string[] = []) =>
    callWhoami(gateway.url, { token, headers })
  async function statuses(...tokens: readonly string[]) {
    const found: number[] = []
    for (const token of tokens) found.push((await call(token)).status)
    return found
  }
  async function open(token: string, headers = {}, by: Agent | false = agent) {
    const authorization = `Bearer ${token}`
    const options = { method: 'POST', agent: by, headers: { authorization, ...headers } }
    const outgoing = request(new URL('/mcp', gateway.url), options)
    outgoing.on('error', () => undefined)
    outgoing.end('{}')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { outgoing, answer, reused: outgoing.reusedSocket }
  }
  async function openStream(token: string) {
    const stream = upstream.nextStream()
    const client = await open(token, { 'x-stream': 'yes' }, false)
    return { ...client, stream: await stream }
  }
  function expectLimited({ body, headers, status }: RawResponse, limit: number) {
    expect(status).toBe(429)
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(JSON.parse(body)).toEqual({
      message: 'API rate limit exceeded',
      request_id: headers['x-kong-request-id'],
    })
    expect(headers).toMatchObject({
      'x-ratelimit-limit-day': String(limit),
      'x-ratelimit-remaining-day': '0',
      'ratelimit-limit': String(limit),
      'ratelimit-remaining': '0',
      'retry-after': headers['ratelimit-reset'],
      'access-control-allow-origin': '*',
    })
    expect(headers['access-control-expose-headers']).toContain('Retry-After')
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(86_400)
  }

  describe('a stream', () => {
    it('G08 passes each event as it comes', async () => {
      const { answer, stream } = await openStream(alice)
      expect(answer.headers['content-type']).toBe('text/event-stream')
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        const next = once(answer, 'data')
        stream.write(event)
        expect(String((await next)[0])).toBe(event)
      }
      stream.end()
      await once(answer, 'end')
    })

    it('G08 ends upstream when the client goes away', async () => {
      const { outgoing, stream } = await openStream(alice)
      const closed = once(stream, 'close')
      outgoing.destroy()
      await closed
      expect(stream.writableFinished).toBe(false)
    })
  })

  // By the day: a window that ends in the middle of a test would be rare bad luck.
  describe('a limit that is changed', () => {
    it('G07 of a user is in force at once, for this user alone, and no connection is lost', async () => {
      const { answer, stream } = await openStream(carol)
      const first = once(answer, 'data')
      stream.write('data: before\n\n')
      expect(String((await first)[0])).toBe('data: before\n\n')
      await text((await open(carol)).answer)

      await reload('rate-limiting', { day: 2 })
      expect(await statuses(alice, alice)).toEqual([200, 200])
      const before = upstream.arrived
      expectLimited(await call(alice), 2)
      expectLimited(await call(alice, ['X-User-Id', decodeJwt(bob).sub ?? '']), 2)
      expectLimited(await call(await signIn('alice@acme')), 2)
      expect(upstream.arrived).toBe(before)
      expect(await statuses(bob, bob, bob)).toEqual([200, 200, 429])

      const kept = await open(carol)
      expect([kept.reused, kept.answer.statusCode]).toEqual([true, 200])
      expect(kept.answer.headers['x-ratelimit-limit-hour']).toBeDefined()
      await text(kept.answer)
      expect(await statuses(carol, carol)).toEqual([200, 429])
      stream.end('data: after\n\n')
      expect(await text(answer)).toBe('data: after\n\n')

      await reload('rate-limiting', { day: 1000 })
      expect(await statuses(alice, bob, carol)).toEqual([200, 200, 200])
    })

    it('G07 of an org is for all of its users together', async () => {
      await reload('org-rate-limiting', { day: 4 })
      expect(await statuses(alice, bob, alice, bob)).toEqual([200, 200, 200, 200])
      const before = upstream.arrived
      for (const token of [alice, bob]) expectLimited(await call(token), 4)
      expectLimited(await call(alice, ['X-Org-Id', 'globex', 'x_org_id', 'globex']), 4)
      expect(upstream.arrived).toBe(before)
      expect(await statuses(carol)).toEqual([200])
      expect((await callWhoami(gateway.url)).status).toBe(401)
    })

    it('G07 of an address is for everything that comes from there', async () => {
      await reload('ip-rate-limiting', { day: 2 })
      expect((await callWhoami(gateway.url)).status).toBe(401)
      expect(await statuses(alice)).toEqual([200])
      for (const token of [alice, carol, 'garbage']) expectLimited(await call(token), 2)
      for (const path of ['/jwks', '/connect/x'])
        expect((await rawRequest(gateway.url, path)).status).not.toBe(429)
      for (const path of ['/jwks', '/token', '/authorize', '/.well-known/nothing'])
        expectLimited(await rawRequest(gateway.url, path), 2)
      await reload('ip-rate-limiting', { minute: 1000 })
      expect(await statuses(alice)).toEqual([200])
    })

    it('O05 wrongly leaves the one before in force, and says what is wrong', async () => {
      await reload('rate-limiting', { month: 1 })
      const own = ownStack(gateway)
      await expect(reload('rate-limiting', { minute: -1 })).rejects.toThrow(/minute/)
      await expect(own.reload(document => document.setIn(['routes', 0], {}))).rejects.toThrow(
        'routes[0]: needs paths',
      )
      expect(await statuses(bob, bob)).toEqual([200, 429])
      await own.reload()
      expect(await statuses(bob, bob)).toEqual([200, 200])
    })
  })

  describe('the log', () => {
    /** The line that tells of the answer, and all that are there by then. */
    const readUntil = (answer: Pick<RawResponse, 'headers'>) =>
      untilLogged(ownStack(gateway).gateway_log, answer)
    beforeEach(() => ownStack(gateway).reload())

    it('O03 names what Kong names, and who called', async () => {
      const { line } = await readUntil(await call(alice, ['User-Agent', 'a client']))
      expect(line).toMatchObject({
        request: {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          method: 'POST',
          size: expect.any(Number),
          headers: {
            'x-user-id': decodeJwt(alice).sub,
            'x-org-id': 'acme',
            'x-user-email': 'alice@acme.example',
            'x-request-id': line.correlation_id,
            'user-agent': 'a client',
            authorization: 'REDACTED',
          },
        },
        upstream_status: '200',
        response: { status: 200, size: expect.any(Number), headers: expect.any(Object) },
        latencies: {
          kong: expect.any(Number),
          proxy: expect.any(Number),
          request: expect.any(Number),
        },
        tries: [{ ip: '127.0.0.1', port: upstream.port }],
        route: { name: 'mcp', paths: ['~/mcp/?$'] },
        service: { name: 'mcp-server', host: '127.0.0.1' },
        client_ip: '127.0.0.1',
        started_at: expect.any(Number),
        source: 'upstream',
        workspace_name: 'default',
      })
    })

    it('O03 names nobody for a refusal, whoever the client says it is', async () => {
      const forged = ['X-User-Id', 'usr_x', 'x_org_id', 'acme', 'X-User-Email', 'x@acme.example']
      const { line } = await readUntil(await callWhoami(gateway.url, { headers: forged }))
      expect(line).toMatchObject({ response: { status: 401 }, upstream_status: '', source: 'kong' })
      const names = Object.keys(line.request.headers).map(name => name.replaceAll('_', '-'))
      expect(names.filter(name => /^x-(user|org|client)-/.test(name))).toEqual([])
    })

    it('R08 holds none of the fields that codes, cookies and states travel in', async () => {
      const { redemption } = await authorize(gateway.url, {})
      const { body } = await redeem(gateway.url, redemption)
      const { lines, line } = await readUntil(await rawRequest(gateway.url, '/jwks'))
      expect(lines.filter(({ route }) => route?.name === 'oauth').length).toBeGreaterThan(10)
      expect(lines.some(({ response }) => response.status === 303)).toBe(true)
      expect(sensitive_fields).toHaveLength(8)
      const held = lines.flatMap(each => sensitive_fields.filter(field => fieldOf(each, field)))
      expect([held, fieldOf(line, 'request.method')]).toEqual([[], 'GET'])
      const log = await readFile(ownStack(gateway).gateway_log, 'utf8')
      for (const secret of [redemption.code, redemption.code_verifier, body.access_token])
        expect(log).not.toContain(secret)
    })

    it('O03 tells of a client that went away, and of what met no route', async () => {
      const { answer, outgoing, stream } = await openStream(alice)
      outgoing.destroy()
      await once(stream, 'close')
      const { line: left } = await readUntil(answer)
      expect(left).toMatchObject({ route: { name: 'mcp' }, upstream_status: '200' })
      const { line: lost } = await readUntil(await rawRequest(gateway.url, '/nowhere?code=secret'))
      expect(lost).toMatchObject({ response: { status: 404 }, source: 'kong' })
      expect(lost).not.toHaveProperty('route')
      expect(JSON.stringify(lost)).not.toContain('secret')
    })
  })
})

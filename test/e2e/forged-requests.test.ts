import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import { capitals, forged, forged_headers, spelled } from '../support/forged-headers.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest } from '../support/raw-request.ts'
import { openGateway, type OpenGateway, worker_counts } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

describe.each(worker_counts)('with %i workers', workers => {
  let gateway: OpenGateway
  let alice: Awaited<ReturnType<typeof obtainTokens>>
  let carol: typeof alice
  beforeAll(async () => {
    gateway = await openGateway(undefined, workers)
    alice = await obtainTokens(gateway.url)
    carol = await obtainTokens(gateway.url, { user: 'carol@globex.example' })
  }, 60_000)
  afterAll(() => gateway.close())

  describe('G02 an identity that the client sent by', () => {
    it.each(forged_headers)('%s changes nothing for a user who signed in', async (_name, sent) => {
      for (const placed of ['before', 'after'] as const) {
        const authorization = ['Authorization', `Bearer ${alice.access_token}`]
        const lines =
          placed === 'before' ? [...sent, ...authorization] : [...authorization, ...sent]
        const said = whoamiOf(await callWhoami(gateway.url, { headers: lines }))
        expect(said).toMatchObject({
          email: 'alice@acme.example',
          org_id: 'acme',
          client_id: alice.client.client_id,
        })
        expect(said.user_id).not.toBe(forged['x-user-id'])
      }
    })

    it.each(forged_headers)('%s is nobody', async (_name, sent) => {
      for (const more of [[], ['Authorization', 'Bearer garbage']]) {
        const { status, headers, body } = await callWhoami(gateway.url, {
          headers: [...sent, ...more],
        })
        expect(status).toBe(401)
        expect(headers['www-authenticate']).toContain('resource_metadata=')
        expect(body).not.toContain('result')
      }
    })

    it('T11 any of them is not mistaken for another, all at once', async () => {
      const calls = Array.from({ length: 10 }, () =>
        (
          [
            [alice, 'alice@acme.example'],
            [carol, 'carol@globex.example'],
          ] as const
        ).map(async ([{ access_token: token }, email]) => {
          const sent = spelled(capitals)
          expect(whoamiOf(await callWhoami(gateway.url, { token, headers: sent })).email).toBe(
            email,
          )
        }),
      )
      await Promise.all(calls.flat())
      expect.assertions(20)
    })
  })

  const variants = [
    '//mcp',
    '/mcp//',
    '/mcp/.',
    '/./mcp',
    '/mcp/..',
    '/mcp/../mcp',
    '/token/../mcp',
    '/.well-known/../mcp',
    '/%6dcp',
    '/mcp%2f',
    '/mcp%2F',
    '/mcp%2e',
    '/mcp%00',
    '/mcp%20',
    '/mcp%3f',
    '/mcp%5c',
    '/mcp\\',
    '/MCP',
    '/Mcp/',
    '/mcpx',
    '/mcp/x',
    '/mcp;x',
    '/mcp.json',
    '/mcp?',
    '/mcp?access_token=x',
    '/mcp#x',
    'http://evil.example/mcp',
  ]

  describe('G04 the path', () => {
    it.each(variants)('%s reaches no tool without an identity', async path => {
      for (const sent of [[], spelled(capitals), ['Authorization', 'Bearer garbage']]) {
        const { status, headers, body } = await callWhoami(gateway.url, { path, headers: sent })
        expect([400, 401, 404]).toContain(status)
        if (status === 401) expect(headers['www-authenticate']).toContain('resource_metadata=')
        expect(body).not.toContain('structuredContent')
      }
    })

    it.each(variants)('%s is refused, or reaches the tool as the user', async path => {
      const { access_token: token } = alice
      const answer = await callWhoami(gateway.url, { path, token, headers: spelled(capitals) })
      if (answer.status === 200) expect(whoamiOf(answer).email).toBe('alice@acme.example')
      else expect([400, 404]).toContain(answer.status)
    })

    it.each(['/mcp', '/mcp/'])('%s is answered itself, without a redirect', async path => {
      const { access_token: token } = alice
      expect((await callWhoami(gateway.url, { path, token })).status).toBe(200)
      expect((await callWhoami(gateway.url, { path })).status).toBe(401)
    })
  })

  describe('D05 a request for Host: evil.example', () => {
    const lies = [
      ['Host', 'evil.example'],
      ['X-Forwarded-Host', 'evil.example', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Port', '444'],
      ['Forwarded', 'host=evil.example;proto=https'],
      ['Host', 'evil.example', 'X-Forwarded-Host', 'evil.example', 'X-Forwarded-Prefix', '/evil'],
    ]

    it.each([
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/jwks',
    ])('gets the same %s as everybody', async path => {
      const honest = await rawRequest(gateway.url, path)
      expect(honest.status).toBe(200)
      for (const sent of lies) {
        const { status, body } = await rawRequest(gateway.url, path, { headers: sent })
        expect([status, JSON.parse(body)]).toEqual([200, JSON.parse(honest.body)])
      }
    })

    it('is challenged, redirected and given cookies as everybody', async () => {
      const request = new URL('/authorize', gateway.url)
      request.search = new URLSearchParams({
        client_id: alice.client.client_id,
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1:53682/callback',
        code_challenge: 'a'.repeat(43),
        code_challenge_method: 'S256',
        state: 'x',
      }).toString()
      for (const sent of lies) {
        const refused = await callWhoami(gateway.url, { headers: sent })
        expect(refused.status).toBe(401)
        expect(refused.headers['www-authenticate']).toContain(`"${gateway.url}/.well-known/`)
        const shown = await rawRequest(gateway.url, request.pathname + request.search, {
          headers: sent,
        })
        expect([302, 303]).toContain(shown.status)
        expect(new URL(shown.headers.location ?? '', gateway.url).origin).toBe(gateway.url)
        expect(JSON.stringify([refused, shown])).not.toContain('evil')
      }
    })

    it('is admitted with a token, as its user', async () => {
      for (const sent of lies) {
        const { access_token: token } = alice
        expect(whoamiOf(await callWhoami(gateway.url, { token, headers: sent })).org_id).toBe(
          'acme',
        )
      }
    })
  })

  describe('T08 an end of a connection', () => {
    it('is felt by every worker within a second, also by those that know the token', async () => {
      const bob = await obtainTokens(gateway.url, { user: 'bob@acme.example' })
      const { access_token: token } = bob
      const statuses = async () => {
        const answers = await Promise.all(
          Array.from({ length: 24 }, () => callWhoami(gateway.url, { token })),
        )
        return [...new Set(answers.map(({ status }) => status))]
      }
      expect(await statuses()).toEqual([200])
      const { status } = await rawRequest(gateway.url, '/revoke', {
        method: 'POST',
        headers: ['Content-Type', 'application/x-www-form-urlencoded'],
        body: new URLSearchParams({ token, client_id: bob.client.client_id }).toString(),
      })
      expect(status).toBe(200)
      await pause(1_000)
      expect(await statuses()).toEqual([401])
    })
  })
})

import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { capitals, forged, forged_headers, spelled } from '../support/forged-headers.ts'
import { type GatewayBeside, openGatewayBeside } from '../support/gateway-beside.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { describeOwnStack, openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami } from '../support/tool-call.ts'

describeOwnStack('G02 what the MCP server gets', 'a stand-in for the MCP server', () => {
  /** Every header of every request, name and value in turn. */
  let arrived: (readonly string[])[] = []
  const upstream = createServer((request, response) => {
    arrived.push(request.rawHeaders)
    response.end('{}')
  })
  let stack: OpenGateway
  let gateway: GatewayBeside
  let alice: Awaited<ReturnType<typeof obtainTokens>>
  beforeAll(async () => {
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    stack = await openGateway()
    const { port } = upstream.address() as AddressInfo
    gateway = await openGatewayBeside(stack, { upstream_port: port })
    alice = await obtainTokens(stack.url)
  }, 60_000)
  beforeEach(() => {
    arrived = []
  })
  afterAll(async () => {
    upstream.closeAllConnections()
    upstream.close()
    await stack.close()
    await gateway.close()
  })

  /** The values of a header, whatever its spelling. */
  const values = (lines: readonly string[], wanted: string) =>
    lines.filter(
      (_, index) =>
        index % 2 === 1 && lines[index - 1]?.toLowerCase().replaceAll('_', '-') === wanted,
    )

  it.each(forged_headers)(
    'is the identity of the user alone, in spite of %s',
    async (_name, sent) => {
      const { access_token: token } = alice
      expect((await callWhoami(gateway.url, { token, headers: sent })).status).toBe(200)
      expect(arrived).toHaveLength(1)
      const [lines = []] = arrived
      const [authorization = ''] = values(lines, 'authorization')
      const assertion = authorization.replace('Bearer ', '')
      const claims = decodeJwt(assertion)
      expect(decodeProtectedHeader(assertion).typ).toBe('gateway-identity+jwt')
      expect(claims).toMatchObject({
        sub: decodeJwt(token).sub,
        org_id: 'acme',
        email: 'alice@acme.example',
        client_id: alice.client.client_id,
      })
      expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(60)
      const identity = {
        'x-user-id': claims.sub,
        'x-org-id': 'acme',
        'x-user-email': 'alice@acme.example',
        'x-client-id': alice.client.client_id,
        authorization: `Bearer ${assertion}`,
      }
      for (const [name, value] of Object.entries(identity))
        expect([name, values(lines, name)]).toEqual([name, [value]])
      expect(lines.join('\n')).not.toContain(token)
      expect(lines).not.toContain(forged['x-user-id'])
    },
  )

  it('is one request id of the gateway’s own', async () => {
    const sent = [
      'X-Request-Id',
      'attacker',
      'x_request_id',
      'attacker',
      'X-REQUEST-ID',
      'attacker',
    ]
    const { access_token: token } = alice
    const { headers } = await callWhoami(gateway.url, { token, headers: sent })
    const ids = values(arrived[0] ?? [], 'x-request-id')
    expect(ids).toEqual([headers['x-request-id']])
    expect(ids).not.toContain('attacker')
  })

  it('is nothing at all without a token, or with one that is refused', async () => {
    for (const headers of [[], spelled(capitals), ['Authorization', 'Bearer garbage']])
      expect((await callWhoami(gateway.url, { headers })).status).toBe(401)
    expect(arrived).toEqual([])
  })
})

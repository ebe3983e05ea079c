import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { forged, forged_headers, capitals, spelled } from '../../support/forged-headers.ts'
import { change } from '../../support/kong-yml.ts'
import { obtainTokens } from '../../support/oauth-flow.ts'
import {
  attributesOf,
  openSpanCollector,
  type SpanCollector,
} from '../../support/span-collector.ts'
import { describeOwnStack, openGateway, type OpenGateway } from '../../support/stack.ts'
import { callWhoami, whoamiOf } from '../../support/tool-call.ts'
import { expectSoon } from '../../support/soon.ts'

const traceparent = (trace_id: string) => `00-${trace_id}-b7ad6b7169203331-01`
const trace_of_a_call = 'a'.repeat(32)
const trace_of_a_refusal = 'b'.repeat(32)

/** With spans the door reads all headers of a request, not one: test/e2e/forged-requests.test.ts has none. */
describeOwnStack('the MCP endpoint with otlp_endpoint', 'a collector of its own', () => {
  let collector: SpanCollector
  let gateway: OpenGateway
  let alice: Awaited<ReturnType<typeof obtainTokens>>

  beforeAll(async () => {
    collector = await openSpanCollector()
    gateway = await openGateway(document => {
      change(document, 'mcp-oidc', { otlp_endpoint: collector.url })
    })
    alice = await obtainTokens(gateway.url)
  }, 60_000)
  afterAll(async () => {
    await gateway.close()
    collector.close()
  })

  const spansOf = (trace_id: string) =>
    collector
      .spans()
      .filter(({ name, traceId }) => name === 'admit /mcp' && traceId === trace_id)
      .map(attributesOf)

  it.each(forged_headers)('G02 takes no identity from %s', async (_name, sent) => {
    const authorization = ['Authorization', `Bearer ${alice.access_token}`]
    for (const headers of [
      [...sent, ...authorization],
      [...authorization, ...sent],
    ]) {
      const said = whoamiOf(await callWhoami(gateway.url, { headers }))
      expect(said).toMatchObject({ email: 'alice@acme.example', org_id: 'acme' })
      expect(said.client_id).toBe(alice.client.client_id)
      expect(said.user_id).not.toBe(forged['x-user-id'])
    }
    for (const more of [[], ['Authorization', 'Bearer garbage']]) {
      const refused = await callWhoami(gateway.url, { headers: [...sent, ...more] })
      expect(refused.status).toBe(401)
      expect(refused.body).not.toContain('result')
    }
  })

  it('O03 G02 sends spans of what it let through and refused, and nothing that was sent in', async () => {
    const { access_token: token } = alice
    const traced = (trace_id: string) => [
      ...spelled(capitals),
      ...['traceparent', traceparent(trace_id)],
    ]
    const answer = await callWhoami(gateway.url, { token, headers: traced(trace_of_a_call) })
    expect(answer.status).toBe(200)
    const refused = await callWhoami(gateway.url, { headers: traced(trace_of_a_refusal) })
    expect(refused.status).toBe(401)
    const sent = () => spansOf(trace_of_a_call).length + spansOf(trace_of_a_refusal).length
    await expectSoon(() => Promise.resolve(sent()), 2)
    expect(spansOf(trace_of_a_call)).toHaveLength(1)
    expect(spansOf(trace_of_a_refusal)).toEqual([
      expect.objectContaining({
        'http.response.status_code': 401,
        'gateway.request_id': refused.headers['x-request-id'],
      }),
    ])
    for (const secret of [token, 'attacker', ...Object.values(forged)])
      expect(collector.received()).not.toContain(secret)
  })
})

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { parseConfig } from '../../../../plugins/mcp-oidc/config/settings.ts'
import { refuse } from '../../../../plugins/mcp-oidc/door/challenge.ts'
import type { Verdict } from '../../../../plugins/mcp-oidc/door/door.ts'
import { identityHeaders } from '../../../../plugins/mcp-oidc/door/identity.ts'
import { serveInspected } from '../../../../plugins/mcp-oidc/door/serve-inspected.ts'
import { serveTraced } from '../../../../plugins/mcp-oidc/door/serve-resource.ts'
import { failClosed } from '../../../../plugins/mcp-oidc/fail-closed.ts'
import { createTracer } from '../../../../plugins/mcp-oidc/tracing/create-tracer.ts'
import type { Tracer } from '../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { rawConfig } from '../../../support/config.ts'
import { recordingLog, runPhase } from '../../../support/fake-kong.ts'
import {
  attributesOf,
  openSpanCollector,
  type SpanCollector,
} from '../../../support/span-collector.ts'

const trace_id = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${trace_id}-b7ad6b7169203331-01`
const { settings } = parseConfig(rawConfig())
const identity = {
  ...{ user_id: 'usr_alice', org_id: 'acme', email: 'alice@acme.example', roles: [] },
  ...{ client_id: 'client', scope: 'openid mcp:tools', connection_id: 'con_1' },
}
const admitted: Verdict = { refused: false, identity, headers: identityHeaders(identity, 'signed') }
const audit = Object.assign(() => Promise.resolve(), {
  within: () => Promise.reject(new Error('no transaction')),
  together: () => Promise.reject(new Error('no other statement')),
  refused: () => undefined,
})

describe.each(['looking at no message', 'looking at the message'])('the MCP endpoint, %s', how => {
  let collector: SpanCollector
  let tracer: Tracer

  beforeEach(async () => {
    collector = await openSpanCollector()
    tracer = createTracer(collector.url, recordingLog())
  })

  afterEach(() => collector.close())

  const ask = async (verdict: () => Verdict, headers: Record<string, string> = {}) => {
    const log = recordingLog()
    const door = { judge: verdict, remembered: () => 0 }
    const parts = { audit, log, tracer, metrics: { request: () => undefined } }
    const outcome = await runPhase(
      kong =>
        failClosed(kong, log, () =>
          how === 'looking at no message'
            ? serveTraced(kong, door, parts)
            : serveInspected(kong, door, { ...parts, settings, rules: [] }),
        ),
      {
        method: 'POST',
        headers: { authorization: 'Bearer secret', 'x-request-id': 'r-1', ...headers },
        body: { content: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}') },
      },
    )
    await tracer.close()
    return { ...outcome, spans: collector.spans(), lines: log.entries }
  }
  const json = { 'content-type': 'application/json' }

  it('O03 goes on with the trace of the request, and hands it on', async () => {
    const { calls, spans, upstream } = await ask(() => admitted, { ...json, traceparent })
    expect(calls.filter(name => name !== 'request.getRawBody')).toEqual([
      'request.getHeaders',
      'service.request.setHeaders',
    ])
    expect(spans).toHaveLength(1)
    expect(spans[0]).toMatchObject({
      ...{ name: 'admit /mcp', traceId: trace_id, parentSpanId: 'b7ad6b7169203331' },
    })
    expect(attributesOf(spans[0])).toEqual({ 'http.route': '/mcp', 'gateway.request_id': 'r-1' })
    expect(upstream).toMatchObject({
      'X-User-Id': 'usr_alice',
      traceparent: `00-${trace_id}-${spans[0]?.spanId ?? ''}-01`,
    })
  })

  it('O03 begins a trace where there is none', async () => {
    const { spans, upstream } = await ask(() => admitted, json)
    const { spanId = '', traceId = '' } = spans[0] ?? {}
    expect(upstream['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
  })

  it('O03 hands on a trace that is not sampled, and sends nothing of it', async () => {
    const unsampled = traceparent.replace(/01$/, '00')
    const { spans, upstream } = await ask(() => admitted, { ...json, traceparent: unsampled })
    expect(upstream['traceparent']).toMatch(new RegExp(`^00-${trace_id}-[0-9a-f]{16}-00$`))
    expect(spans).toEqual([])
  })

  it('O03 says of a refusal its status, and nothing of the token', async () => {
    const refusal = refuse(settings, 'invalid_token', 'No.', 'invalid_token', 'no token of ours')
    const { exit, lines, spans, upstream } = await ask(() => refusal, { traceparent })
    expect(exit?.status).toBe(401)
    expect(upstream).toEqual({})
    expect(attributesOf(spans[0])).toMatchObject({ 'http.response.status_code': 401 })
    expect(lines[0]?.detail).toMatchObject({ status: 401, request_id: 'r-1' })
    expect(JSON.stringify(spans)).not.toContain('secret')
  })

  it('G01 lets nothing through that could not be judged', async () => {
    const { exit, spans, upstream } = await ask(() => {
      throw new Error('the database is away')
    })
    expect(exit?.status).toBe(503)
    expect(upstream).toEqual({})
    expect(spans[0]?.status).toMatchObject({ code: 2 })
  })
})

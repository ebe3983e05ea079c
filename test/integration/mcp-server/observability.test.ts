import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { remoteKeys } from '../../../mcp-server/identity/remote-keys.ts'
import { createOtlpTracer } from '../../../mcp-server/tracing/otlp.ts'
import { jwks, sign } from './assertion.ts'
import { bearer, call, post, startServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const open: Server[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
async function listen(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const one = createServer(listener).listen(0, '127.0.0.1')
  open.push(one)
  await once(one, 'listening')
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`
}

interface Line {
  readonly msg: string
  readonly [name: string]: unknown
}
const lines = (of: TestServer) => of.lines.map(line => JSON.parse(line) as Line)

describe('the metrics', () => {
  it('O02 count calls by tool and outcome, refusals by code, and time what is written', async () => {
    await call(server, 'whoami')
    await call(server, 'get_company', { id: 7 })
    await call(server, 'no_such_tool')
    await post(server, {})
    await post(server, {}, await bearer({ exp: 1 }))
    const all = (await server.metrics()).split('\n')
    for (const line of [
      'mcp_tool_calls_total{tool="whoami",outcome="ok"} 1',
      'mcp_tool_calls_total{tool="get_company",outcome="invalid_arguments"} 1',
      'mcp_tool_calls_total{tool="unknown",outcome="unknown_tool"} 1',
      'mcp_tool_call_seconds_count{tool="whoami"} 1',
      'mcp_identity_refusals_total{code="missing"} 1',
      'mcp_identity_refusals_total{code="expired"} 1',
      'mcp_callers{of="user"} 1',
      'mcp_callers{of="org"} 1',
      'mcp_caller_calls{of="user",rank="busiest"} 3',
      'mcp_caller_calls{of="org",rank="median"} 3',
    ])
      expect(all).toContain(line)
    expect(all.join('\n')).toMatch(/^mcp_audit_write_seconds_count\{result="ok"\} \d+$/m)
  })

  it('G09 O02 stay as many, whatever tools are called', async () => {
    await call(server, 'no_such_tool')
    const before = (await server.metrics()).split('\n').length
    for (let n = 0; n < 20; n += 1) await call(server, `tool-${n}`)
    expect((await server.metrics()).split('\n')).toHaveLength(before)
    expect(await server.metrics()).not.toMatch(/usr_bob|bob@|acme/)
  })

  it('O02 count a call that could not be recorded', async () => {
    const broken = await startServer({ audit_url: 'postgres://nobody@127.0.0.1:1/none' })
    await call(broken, 'whoami')
    const text = await broken.metrics()
    expect(text).toContain('mcp_tool_calls_total{tool="whoami",outcome="not_recorded"} 1')
    expect(text).toMatch(/^mcp_audit_write_seconds_count\{result="error"\} [1-9]/m)
    await broken.stop()
  })
})

describe('the log', () => {
  it('O03 has one line for each request, with the id of the gateway and nothing secret', async () => {
    const token = await sign()
    const headers = {
      authorization: `Bearer ${token}`,
      'x-request-id': 'id-of-the-gateway',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    }
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const answer = await fetch(`${server.url}/mcp?secret=in-the-query`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    })
    await answer.text()
    await call(server, 'whoami')
    const own = lines(server).filter(
      ({ msg, request_id }) => msg === 'request' && request_id === 'id-of-the-gateway',
    )
    expect(own).toHaveLength(1)
    expect(own[0]).toMatchObject({
      method: 'POST',
      path: '/mcp',
      status: 200,
      trace_id: 'a'.repeat(32),
      complete: true,
    })
    expect(own[0]?.duration_ms).toEqual(expect.any(Number))
    expect(server.lines.join('')).not.toContain(token)
    expect(server.lines.join('')).not.toContain('in-the-query')
  })

  it('O03 leaves probes out', async () => {
    await (await fetch(`${server.url}/healthz`)).text()
    await call(server, 'whoami')
    expect(lines(server).filter(({ path }) => path === '/healthz')).toEqual([])
  })
})

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

describe('traces', () => {
  it('O03 continue the one of the request, with the call of the tool as a part', async () => {
    const received: string[] = []
    const endpoint = await listen((request, response) => {
      void text(request).then(body => {
        received.push(`${request.url ?? ''} ${body}`)
        response.setHeader('content-type', 'application/json').end('{}')
      })
    })
    const tracer = createOtlpTracer(endpoint, 'mcp-server', pino({ level: 'silent' }))
    const traced = await startServer({ tracer })
    const trace_id = '0af7651916cd43dd8448eb211c80319c'
    await call(traced, 'whoami', {}, {}, { traceparent: `00-${trace_id}-b7ad6b7169203331-01` })
    await call(
      traced,
      'whoami',
      {},
      {},
      { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
    )
    await traced.stop()
    await tracer.close()
    expect(received.every(body => body.startsWith('/v1/traces '))).toBe(true)
    const spans = received.flatMap(body => spansOf(JSON.parse(body.slice('/v1/traces '.length))))
    const continued = spans.filter(({ traceId }) => traceId === trace_id)
    const request = continued.find(({ name }) => name === 'POST /mcp')
    expect(request?.parentSpanId).toBe('b7ad6b7169203331')
    expect(continued.find(({ name }) => name === 'tools/call whoami')?.parentSpanId).toBe(
      request?.spanId,
    )
    // A traceparent that is none begins a trace of our own.
    expect(spans.filter(({ traceId }) => traceId !== trace_id)).toHaveLength(2)
    expect(received.join('')).not.toMatch(/usr_bob|bob@acme|Bearer/)
  })

  it('O03 that nobody takes cost no request, and are told in the log', async () => {
    const said: string[] = []
    const log = pino({}, { write: (line: string) => void said.push(line) })
    const endpoint = await listen((_request, response) => response.writeHead(400).end())
    const tracer = createOtlpTracer(endpoint, 'mcp-server', log)
    const traced = await startServer({ tracer })
    expect((await call(traced, 'whoami')).result?.isError).toBeUndefined()
    await traced.stop()
    await tracer.close().catch((error: unknown) => said.push(String(error)))
    expect(said.join('')).not.toBe('')
  })
})

function spansOf(body: unknown): readonly Span[] {
  const { resourceSpans } = body as {
    resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
  }
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}

describe('the keys of the gateway', () => {
  it('O04 were reached once they have been read, whatever comes later', async () => {
    let there = false
    const url = await listen((_request, response) => {
      if (there) response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks))
      else response.writeHead(503).end()
    })
    const keys = remoteKeys(`${url}/jwks`)
    await expect(keys.reached()).rejects.toThrow()
    there = true
    await expect(keys.reached()).resolves.toBeUndefined()
    there = false
    await expect(keys.reached()).resolves.toBeUndefined()
  })

  it('O04 decide about readiness, by name', async () => {
    const alone = await startServer({
      checks: { 'keys of the gateway': () => remoteKeys('http://127.0.0.1:1/jwks').reached() },
    })
    const answer = await fetch(`${alone.url}/readyz`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({
      status: 'unavailable',
      reasons: ['keys of the gateway: no answer'],
    })
    await alone.stop()
  })
})

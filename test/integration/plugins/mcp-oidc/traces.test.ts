import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import { answerRequests } from '../../../../plugins/mcp-oidc/authorization/answer-request.ts'
import { serveAuthorization } from '../../../../plugins/mcp-oidc/authorization/serve-authorization.ts'
import { createUpstream } from '../../../../plugins/mcp-oidc/sign-in/upstream.ts'
import { tracedFetch } from '../../../../plugins/mcp-oidc/tracing/traced-fetch.ts'
import { createTracer } from '../../../../plugins/mcp-oidc/tracing/create-tracer.ts'
import { recordingLog, type KongRequest, runPhase } from '../../../support/fake-kong.ts'
import {
  attributesOf,
  openSpanCollector,
  type Span,
  type SpanCollector,
} from '../../../support/span-collector.ts'
import { openScriptedIdp, type ScriptedIdp } from '../../../support/scripted-idp.ts'

const trace_id = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${trace_id}-b7ad6b7169203331-01`
let collector: SpanCollector
let idp: ScriptedIdp
let statuses: readonly number[]
let spans: readonly Span[]

beforeAll(async () => {
  collector = await openSpanCollector()
  idp = await openScriptedIdp()
  const id_token = await idp.idToken()
  const tokens = { access_token: 'access-secret', token_type: 'bearer', id_token }
  idp.replies = { '/token': { body: { ...tokens, refresh_token: 'next-secret' } } }
  const tracer = createTracer(`${collector.url}/`, recordingLog())
  const upstream = createUpstream(
    idp.setting,
    'https://gw.example/callback/dev',
    tracedFetch(tracer),
  )
  const app = express()
  app.post('/token', express.raw({ type: () => true }), async (_req, res) => {
    const { kind } = await upstream.refresh('former-secret', 'alice')
    res.status(kind === 'welcome' ? 200 : 400).end()
  })
  /** As Kong asks. */
  const ask = async (request: KongRequest) => {
    const { exit } = await runPhase(async kong => {
      await serveAuthorization(kong, answerRequests(app, []), tracer)
    }, request)
    return exit?.status ?? 0
  }
  statuses = [
    await ask({
      method: 'POST',
      url: '/token',
      headers: { 'x-request-id': 'the-request', traceparent, authorization: 'Basic client-secret' },
      body: { content: Buffer.from('refresh_token=body-secret') },
    }),
    await ask({
      url: '/callback/dev?code=code-secret&state=state-secret',
      headers: { traceparent: 'nonsense', 'x-request-id': 'not an id', cookie: 'cookie-secret' },
    }),
    await ask({ url: '/someone-chose-this-secret/name' }),
  ]
  await tracer.close()
  spans = collector.spans()
})
afterAll(async () => {
  collector.close()
  await idp.close()
})

const named = (name: string) => spans.find(span => span.name === name)
describe('the spans of the plugin', () => {
  it('O03 continue the trace of a request, and know its id', () => {
    const span = named('POST /token')
    expect(statuses[0]).toBe(200)
    expect(span).toMatchObject({ traceId: trace_id, parentSpanId: 'b7ad6b7169203331' })
    expect(attributesOf(span)).toEqual({
      'http.request.method': 'POST',
      'http.route': '/token',
      'http.response.status_code': 200,
      'gateway.request_id': 'the-request',
    })
  })

  it('O03 have the question to the identity provider as a part', () => {
    const { host } = new URL(idp.issuer)
    const parts = spans.filter(({ parentSpanId }) => parentSpanId === named('POST /token')?.spanId)
    expect(parts.map(({ name }) => name)).toContain(`POST ${host}`)
    expect(parts.every(part => part.traceId === trace_id)).toBe(true)
    expect(attributesOf(parts.find(({ name }) => name === `POST ${host}`))).toEqual({
      'http.request.method': 'POST',
      'server.address': host,
      'url.path': '/token',
      'http.response.status_code': 200,
    })
  })

  it('O03 begin a trace where the client’s is none, and are of few names', () => {
    expect(statuses.slice(1)).toEqual([404, 404])
    const requests = spans.filter(({ traceId }) => traceId !== trace_id)
    expect(requests.map(({ name }) => name)).toEqual(['GET /callback', 'GET elsewhere'])
    expect(requests.map(({ parentSpanId }) => parentSpanId ?? '')).toEqual(['', ''])
  })

  it('O03 R08 hold no code, state, token, cookie or secret', () => {
    const all = collector.received()
    expect(all).toContain('the-request')
    expect(all).not.toMatch(/secret|not an id/)
  })
})

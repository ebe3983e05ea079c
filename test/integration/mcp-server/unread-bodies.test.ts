import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { JWTVerifyGetKey } from 'jose'
import { setTimeout as pause } from 'node:timers/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { abandonRequest, rawRequest } from '../../support/raw-request.ts'
import { localKeys } from './assertion.ts'
import { bearer, startServer, type TestServer } from './server.ts'

const whoami = (id: number) => ({
  ...{ jsonrpc: '2.0', id, method: 'tools/call' },
  params: { name: 'whoami', arguments: {} },
})
const one = JSON.stringify(whoami(1))
const batch = JSON.stringify([whoami(1), whoami(2)])
const twice = one.replace('"method"', '"method":"tools/list","method"')

let server: TestServer
/** Keeps a caller waiting in front of the endpoint. */
let verifiable: Promise<unknown> = Promise.resolve()
beforeAll(async () => {
  const keys: JWTVerifyGetKey = async (header, token) => {
    await verifiable
    return localKeys(header, token)
  }
  server = await startServer({ keys })
})
afterEach(() => {
  verifiable = Promise.resolve()
})
afterAll(() => server.stop())

const headersOf = async (more: Record<string, string>) =>
  Object.entries({
    ...(await bearer()),
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  }).flat()

const lastEvent = async () => (await server.events()).at(-1)

describe('a body that was not read before the SDK gets the request', () => {
  const nearly = ['application/json\u00A0;', 'application/json\u00A0; charset', 'text/plain']
  it.each(nearly.flatMap(type => [one, batch, twice].map(body => [type, body] as const)))(
    'G06 is read by nobody: %j %s',
    async (type, body) => {
      const headers = await headersOf({ 'content-type': type })
      const refused = await rawRequest(server.url, '/mcp', { method: 'POST', headers, body })
      expect(refused.status).toBe(415)
      expect(JSON.parse(refused.body)).toMatchObject({ error: { code: -32_000 }, id: null })
      expect(server.runs()).toBe(0)
      expect(await lastEvent()).toMatchObject({ type: 'refusal', error_code: '-32000' })
    },
  )

  it.each([one, batch, twice])('G06 is read by nobody when its client has gone: %s', async body => {
    const before = (await server.events()).length
    const { promise, resolve } = Promise.withResolvers<undefined>()
    verifiable = promise
    await abandonRequest(server.url, '/mcp', { headers: await headersOf({}), body }, 'sent')
    await pause(100)
    resolve(undefined)
    while ((await server.events()).length === before) await pause(20)
    expect(await lastEvent()).toMatchObject({ type: 'refusal', outcome: 'refused' })
    expect(server.runs()).toBe(0)
  })

  it.each([{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }, {}])(
    'is missed when it is empty: %j',
    async length => {
      const headers = await headersOf(length)
      const refused = await rawRequest(server.url, '/mcp', { method: 'POST', headers })
      expect(refused.status).toBe(400)
      expect(await lastEvent()).toMatchObject({ type: 'refusal', error_code: '-32700' })
    },
  )

  it.each([
    ['that is none', 'gzip', one],
    ['that is one', 'gzip', gzipSync(one)],
    ['that stands behind another', 'identity, br', brotliCompressSync(one)],
  ])('is refused on record for a compression %s', async (_name, encoding, body) => {
    const headers = { ...(await bearer()), 'content-type': 'application/json' }
    const refused = await fetch(`${server.url}/mcp`, {
      ...{ method: 'POST', body, headers: { ...headers, 'content-encoding': encoding } },
    })
    expect(refused.status).toBe(415)
    expect(await lastEvent()).toMatchObject({ type: 'refusal', error_code: '-32600' })
    expect(server.runs()).toBe(0)
  })
})

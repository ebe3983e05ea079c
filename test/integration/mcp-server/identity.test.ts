import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { exportJWK, generateKeyPair, UnsecuredJWT } from 'jose'
import { remoteKeys } from '../../../mcp-server/identity/remote-keys.ts'
import { AUDIENCE, claims, ISSUER, seconds, sign } from './assertion.ts'
import { call, post, startServer, type TestServer } from './server.ts'

const WHOAMI = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } }
const FORGED = {
  'x-user-id': 'usr_bob',
  'x-org-id': 'acme',
  'x-user-email': 'bob@acme.example',
  'x-client-id': 'client-1',
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

async function expectRefused(headers: Record<string, string>) {
  const before = server.runs()
  const response = await post(server, WHOAMI, headers)
  expect(response.status).toBe(401)
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(await response.json()).toMatchObject({ error: 'invalid_token' })
  expect(server.runs()).toBe(before)
}

describe('without a valid assertion', () => {
  it('M01 refuses forged headers alone', () => expectRefused(FORGED))

  it('M01 refuses a request with nothing, and says Bearer without an error', async () => {
    const response = await post(server, WHOAMI)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each<[string, () => Promise<string>]>([
    ['garbage', () => Promise.resolve('garbage')],
    ['expired', () => sign({ iat: seconds() - 120, exp: seconds() - 60 })],
    ['for another server', () => sign({ aud: 'other-server' })],
    ['an access token', () => sign({ aud: `${ISSUER}/mcp` }, { typ: 'at+jwt' })],
    ['an access token for our audience', () => sign({ aud: AUDIENCE }, { typ: 'at+jwt' })],
    ['an id_token', () => sign({ aud: AUDIENCE }, { typ: 'JWT' })],
    ['unsigned', () => Promise.resolve(new UnsecuredJWT(claims()).encode())],
    ['of an unknown key', () => sign({}, { kid: 'nobody' })],
    [
      'with a key of its own',
      async () => {
        const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
        return sign({}, { jwk: await exportJWK(publicKey) }, privateKey)
      },
    ],
  ])('M01 refuses an assertion that is %s', async (_name, token) => {
    await expectRefused({ ...FORGED, authorization: `Bearer ${await token()}` })
  })

  it('M01 counts runs, so that the refusals above mean something', async () => {
    const before = server.runs()
    await call(server, 'whoami')
    expect(server.runs()).toBe(before + 1)
  })

  it('M01 believes the assertion and no header', async () => {
    const answer = await call(server, 'whoami', {}, { org_id: 'globex', sub: 'usr_carol' }, FORGED)
    expect(answer.result?.structuredContent).toMatchObject({
      org_id: 'globex',
      user_id: 'usr_carol',
    })
  })

  it('M01 logs why, without the token', async () => {
    const token = await sign({}, { typ: 'at+jwt' })
    await expectRefused({ authorization: `Bearer ${token}`, 'x-request-id': 'req-log' })
    const line = server.lines.find(entry => entry.includes('req-log'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({ code: 'wrong_type', request_id: 'req-log' })
    expect(server.lines.join('')).not.toContain(token.split('.')[2])
  })

  it('M01 refuses every method of /mcp, with and without a slash', async () => {
    for (const path of ['/mcp', '/mcp/', '/mcp?x=1']) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await fetch(server.url + path, { method, redirect: 'manual' })
        expect([path, method, response.status]).toEqual([path, method, 401])
      }
    }
  })
})

describe('when the key set cannot be reached', () => {
  it('M01 answers 503 and runs nothing, and recovers', async () => {
    let up = false
    const { localKeys } = await import('./assertion.ts')
    const dead = remoteKeys('http://127.0.0.1:1/jwks')
    const other = await startServer({
      keys: (header, token) => (up ? localKeys(header, token) : dead(header, token)),
    })
    try {
      const response = await post(other, WHOAMI, { authorization: `Bearer ${await sign()}` })
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
      expect(other.runs()).toBe(0)
      expect(other.lines.join('')).toContain('identity could not be verified')
      up = true
      expect((await call(other, 'whoami')).result?.structuredContent).toMatchObject({
        org_id: 'acme',
      })
    } finally {
      await other.stop()
    }
  })
})

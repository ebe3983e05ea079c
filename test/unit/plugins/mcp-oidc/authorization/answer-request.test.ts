import { describe, expect, it } from '@jest/globals'
import express from 'express'
import {
  answerRequests,
  type ClientRequest,
  most_body_bytes,
} from '../../../../../plugins/mcp-oidc/authorization/answer-request.ts'
import type { OAuthEndpoint } from '../../../../../plugins/mcp-oidc/authorization/oauth-endpoints.ts'
import type { HttpRequest } from '../../../../../plugins/mcp-oidc/authorization/provider-request.ts'

const asked: HttpRequest[] = []
const endpoint: OAuthEndpoint = {
  method: 'POST',
  path: '/token',
  answer: request => {
    asked.push(request)
    return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('endpoint') })
  },
}
const app = express()
app.use((_req, res) => void res.send('app'))
const answer = answerRequests(app, [endpoint])
const request: ClientRequest = {
  method: 'POST',
  url: '/token',
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  ip: '192.0.2.7',
  body: Buffer.from('a=b'),
}
const who = async (changes: Partial<ClientRequest>) =>
  (await answer({ ...request, ...changes })).body.toString()

describe('who answers a request', () => {
  it.each<[string, Partial<ClientRequest>]>([
    ['as it comes most of the time', {}],
    ['with a query', { url: '/token?x=/authorize' }],
    ['with as large a body as may be', { body: Buffer.alloc(most_body_bytes) }],
    ['with an empty body', { body: Buffer.alloc(0) }],
  ])('is the endpoint itself for one %s', async (_, changes) => {
    expect(await who(changes)).toBe('endpoint')
  })

  it.each<[string, Partial<ClientRequest>]>([
    ['with another method', { method: 'PUT' }],
    ['without one of its own', { method: 'OPTIONS', url: '/token' }],
    ['at another path', { url: '/token/' }],
    ['in another case', { url: '/TOKEN' }],
    ['with an encoded path', { url: '/%74oken' }],
    ['with two slashes', { url: '//token' }],
    ['with dots', { url: '/x/../token' }],
    ['with a header that came twice', { headers: { authorization: ['Basic a', 'Basic b'] } }],
    ['with a compressed body', { headers: { 'Content-Encoding': 'gzip' } }],
    ['with an unknown encoding', { headers: { 'content-encoding': 'identity' } }],
    ['with too large a body', { body: Buffer.alloc(most_body_bytes + 1) }],
  ])('is the app for one %s', async (_, changes) => {
    const before = asked.length
    await who(changes)
    expect(asked).toHaveLength(before)
  })

  it('tells the endpoint all that came, the names of headers in lower case', async () => {
    await who({ headers: { 'X-Request-Id': 'r', cookie: 'a=b; c=d' } })
    expect(asked.at(-1)).toEqual({
      ...{ method: 'POST', url: '/token', ip: '192.0.2.7' },
      headers: { 'x-request-id': 'r', cookie: 'a=b; c=d' },
      body: Buffer.from('a=b'),
    })
  })
})

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { SignJWT } from 'jose'
import {
  type IdentityProvider,
  parseConfig,
} from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { createUpstream } from '../../../../../plugins/mcp-oidc/sign-in/upstream.ts'
import { rawConfig } from '../../../../support/config.ts'

const redirect_uri = 'https://gw.example/callback/dev'
const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })

interface Answer {
  readonly claims?: object
  readonly key?: KeyObject
  readonly without_id_token?: boolean
}

/** An identity provider that answers /token with whatever the test says. */
let server: Server
let issuer = ''
let answer: Answer = {}
let nonce = ''
let requests: URLSearchParams[] = []

async function idToken({ claims = {}, key = ours.privateKey }: Answer): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = {
    iss: issuer,
    aud: 'gateway',
    sub: 'alice',
    nonce,
    iat: now,
    exp: now + 300,
    email: 'alice@acme.example',
    email_verified: true,
    orgs: ['acme'],
    ...claims,
  }
  return new SignJWT(JSON.parse(JSON.stringify(all)) as Record<string, unknown>)
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .sign(key)
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const reply = async (): Promise<unknown> => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.setHeader('content-type', 'application/json')
      if (request.url === '/.well-known/openid-configuration')
        return response.end(
          JSON.stringify({
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            jwks_uri: `${issuer}/jwks`,
            id_token_signing_alg_values_supported: ['ES256'],
          }),
        )
      if (request.url === '/jwks')
        return response.end(
          JSON.stringify({ keys: [{ ...ours.publicKey.export({ format: 'jwk' }), kid: 'k1' }] }),
        )
      requests.push(new URLSearchParams(Buffer.concat(chunks).toString()))
      const id_token = answer.without_id_token ? {} : { id_token: await idToken(answer) }
      return response.end(
        JSON.stringify({ access_token: 'opaque', token_type: 'bearer', ...id_token }),
      )
    }
    void reply()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

/** One trip: begins at the provider and comes back with its answer. */
async function trip(say: Answer, state?: string) {
  answer = say
  requests = []
  const [idp] = parseConfig(rawConfig()).settings.identity_providers as [IdentityProvider]
  const upstream = createUpstream({ ...idp, issuer }, redirect_uri)
  const { url, trip } = await upstream.start()
  nonce = trip.nonce
  const query = new URLSearchParams({ code: 'c1', state: state ?? trip.state })
  return { url: new URL(url), trip, finished: upstream.finish(query, trip) }
}

describe('A04 the trip to the identity provider', () => {
  it('has its own PKCE, nonce and state, new every time, and never the resource of the client', async () => {
    const one = await trip({})
    await one.finished
    expect(requests[0]?.get('code_verifier')).toBe(one.trip.code_verifier)
    const two = await trip({})
    await two.finished
    const { searchParams } = one.url
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    expect(searchParams.get('redirect_uri')).toBe(redirect_uri)
    expect(searchParams.has('resource')).toBe(false)
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(searchParams.get(name)).not.toBe(two.url.searchParams.get(name))
  })
})

describe('A05 what the identity provider answers', () => {
  it('is believed when it holds', async () => {
    const { finished } = await trip({})
    expect(await finished).toMatchObject({
      person: { email: 'alice@acme.example', orgs: ['acme'] },
    })
  })

  const now = Math.floor(Date.now() / 1000)
  it.each<[string, Answer]>([
    ['a foreign signature', { key: foreign.privateKey }],
    ['another issuer', { claims: { iss: 'https://evil.example' } }],
    ['another audience', { claims: { aud: 'somebody-else' } }],
    ['another nonce', { claims: { nonce: 'replayed' } }],
    ['no nonce', { claims: { nonce: undefined } }],
    ['an id_token that has expired', { claims: { exp: now - 60 } }],
    ['an id_token without an end', { claims: { exp: undefined } }],
    ['no id_token at all', { without_id_token: true }],
  ])('is not believed with %s', async (_name, say) => {
    const { finished } = await trip(say)
    await expect(finished).rejects.toMatchObject({ name: 'UpstreamError', code: 'rejected' })
  })

  it('is not asked for when the state is another', async () => {
    const { finished } = await trip({}, 'other')
    await expect(finished).rejects.toMatchObject({ code: 'rejected' })
    expect(requests).toEqual([])
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createPublicKey, createSecretKey } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { parseSigningKeys } from '../../plugins/mcp-oidc/config/signing-keys.ts'
import { signAssertion } from '../../plugins/mcp-oidc/door/assertion.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest, type RawResponse } from '../support/raw-request.ts'
import { compact, signWithGatewayKey } from '../support/signed-token.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'
import { openTrail } from '../support/audit-trail.ts'

let gateway: OpenGateway
let tokens: Awaited<ReturnType<typeof obtainTokens>>
beforeAll(async () => {
  gateway = await openGateway()
  tokens = await obtainTokens(gateway.url, { parameters: { scope: 'openid mcp:tools' } })
}, 60_000)
afterAll(() => gateway.close())

const present = (token: string) => callWhoami(gateway.url, { token })

function expectRefusal({ status, headers, body }: RawResponse, token_sent = true): void {
  expect(status).toBe(401)
  const challenge = headers['www-authenticate'] ?? ''
  expect(challenge).toMatch(/^Bearer /)
  expect(challenge).toContain(
    `resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp"`,
  )
  expect(challenge).toContain('scope="mcp:tools"')
  expect(challenge.includes('error=')).toBe(token_sent)
  expect(JSON.parse(body)).toEqual({
    error: token_sent ? 'invalid_token' : 'unauthorized',
    error_description: expect.any(String),
  })
}

describe('T02 G03 no tool runs', () => {
  it('for the token that the others are made of, but it does for that one', async () => {
    expect(whoamiOf(await present(tokens.access_token)).email).toBe('alice@acme.example')
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'for %s without a token',
    async method => {
      const { body, ...rest } = await rawRequest(gateway.url, '/mcp', { method })
      expectRefusal(
        {
          ...rest,
          body: method === 'HEAD' ? '{"error":"unauthorized","error_description":""}' : body,
        },
        false,
      )
    },
  )

  it.each([
    ['nothing after it', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['garbage', 'Bearer garbage'],
    ['three parts of garbage', 'Bearer a.b.c'],
    ['what is no token', 'Bearer {"sub":"usr_alice"}'],
    ['five kilobytes', `Bearer ${'x'.repeat(5000)}`],
  ])('for Bearer with %s', async (_name, value) => {
    expectRefusal(await callWhoami(gateway.url, { headers: ['Authorization', value] }))
  })

  it.each(['Basic YWxpY2U6cGFzc3dvcmQ=', 'DPoP x', 'bearer'])(
    'for the scheme of %j',
    async value => {
      const response = await callWhoami(gateway.url, { headers: ['Authorization', value] })
      expectRefusal(response, /^bearer/i.test(value))
    },
  )

  it('for a token in the query, or in a form', async () => {
    const path = `/mcp?access_token=${tokens.access_token}`
    expectRefusal(await callWhoami(gateway.url, { path }), false)
    const headers = ['Content-Type', 'application/x-www-form-urlencoded']
    const body = `access_token=${tokens.access_token}`
    expectRefusal(await rawRequest(gateway.url, '/mcp', { method: 'POST', headers, body }), false)
  })

  it('for the token twice', async () => {
    const { access_token: token } = tokens
    const headers = ['Authorization', `Bearer ${token}`]
    expect((await callWhoami(gateway.url, { token, headers })).status).toBe(400)
  })

  it('for the id_token', async () => {
    expect(decodeJwt(tokens.id_token ?? '').sub).toMatch(/^usr_/)
    expectRefusal(await present(tokens.id_token ?? ''))
  })

  it('for the refresh token', async () => {
    expectRefusal(await present(tokens.refresh_token))
  })

  it('for alg none, or another payload under the same signature', async () => {
    const header = decodeProtectedHeader(tokens.access_token)
    const payload = decodeJwt(tokens.access_token)
    const [, , signature = ''] = tokens.access_token.split('.')
    for (const alg of ['none', 'None', 'NONE']) {
      expectRefusal(await present(compact({ ...header, alg }, payload)))
      expectRefusal(await present(compact({ ...header, alg }, payload, signature)))
    }
    expectRefusal(await present(compact(header, { ...payload, org_id: 'globex' }, signature)))
    expectRefusal(await present(tokens.access_token.slice(0, -4)))
  })

  it('for a key that the token brings along', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const { kid = '', typ = '' } = decodeProtectedHeader(tokens.access_token)
    const payload = decodeJwt(tokens.access_token)
    for (const header of [
      { kid },
      { kid, jwk },
      { kid: 'another', jwk },
      { jwk },
      { kid, jku: 'https://evil.example/jwks' },
      { kid, x5u: 'https://evil.example/certificate' },
    ]) {
      const forged = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ, ...header })
      expectRefusal(await present(await forged.sign(privateKey)))
    }
  })
})

describeOwnStack('T02 no tool runs for what the gateway itself signed,', 'its signing key', () => {
  const seconds = () => Math.floor(Date.now() / 1000)
  const sign = (claims: object, header = {}) =>
    signWithGatewayKey(ownStack(gateway), { ...decodeJwt(tokens.access_token), ...claims }, header)

  it('but for an access token', async () => {
    const token = await sign({ jti: 'signed here' })
    expect(whoamiOf(await present(token)).email).toBe('alice@acme.example')
  })

  it.each([
    ['that has expired', () => ({ exp: seconds() - 1 })],
    ['without an end', () => ({ exp: undefined })],
    ['not valid yet', () => ({ nbf: seconds() + 60 })],
    ['of another issuer', () => ({ iss: 'https://other.example' })],
    ['of no issuer', () => ({ iss: undefined })],
    ['for another audience', () => ({ aud: 'https://other.example/mcp' })],
    ['for the origin', () => ({ aud: gateway.url })],
    ['for us and others', () => ({ aud: [`${gateway.url}/mcp`, 'https://other.example'] })],
    ['for nobody', () => ({ aud: undefined })],
    ['of an unknown connection', () => ({ sid: 'con_unknown' })],
    ['of no connection', () => ({ sid: undefined })],
    ['of another user', () => ({ sub: 'usr_somebody' })],
    ['of another org', () => ({ org_id: 'globex' })],
    ['of another client', () => ({ client_id: 'other' })],
  ])('if it is a token %s', async (_name, claims) => {
    expectRefusal(await present(await sign(claims())))
  })

  it.each(['JWT', 'gateway-identity+jwt', 'logout+jwt', undefined])(
    'if its typ is %s',
    async typ => {
      expectRefusal(await present(await sign({}, { typ })))
    },
  )

  it('with its public key taken for a secret', async () => {
    const { keys } = ownStack(gateway)
    const [key] = parseSigningKeys(JSON.stringify(keys.signing_keys))
    const pem = createPublicKey({ key: { ...key.private_jwk }, format: 'jwk' })
    const secret = createSecretKey(Buffer.from(pem.export({ type: 'spki', format: 'pem' })))
    const token = new SignJWT(decodeJwt(tokens.access_token))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })
      .sign(secret)
    expectRefusal(await present(await token))
  })

  it('M01 if it is an identity assertion; nor for an access token at the MCP server', async () => {
    const own = ownStack(gateway)
    const { sub = '', sid, ...claims } = decodeJwt(tokens.access_token)
    const identity = {
      user_id: sub,
      org_id: String(claims.org_id),
      email: 'alice@acme.example',
      roles: ['admin'],
      client_id: String(claims.client_id),
      scope: 'mcp:tools',
      connection_id: String(sid),
    }
    const settings = {
      issuer: gateway.url,
      upstream_audience: 'mcp-server',
      assertion_ttl: 60,
      signing_keys: parseSigningKeys(JSON.stringify(own.keys.signing_keys)),
    }
    const assertion = await signAssertion(settings, identity, Date.now())
    const trail = openTrail(own)
    try {
      const direct = await callWhoami(own.mcp_server_url, { token: assertion })
      expect(whoamiOf(direct).user_id).toBe(sub)
      const before = await trail.toolCalls()
      expectRefusal(await present(assertion))
      const { access_token: token, id_token = '' } = tokens
      for (const foreign of [token, id_token, await sign({ aud: 'mcp-server' })]) {
        const { status } = await callWhoami(own.mcp_server_url, { token: foreign })
        expect(status).toBe(401)
      }
      expect(await trail.toolCalls()).toBe(before)
    } finally {
      await trail.close()
    }
  })
})

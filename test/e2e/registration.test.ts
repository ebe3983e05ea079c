import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { callback, register, token } from '../support/authorization-server.ts'
import { client_registrations } from '../support/client-registrations.ts'
import { authorize, obtainTokens, refresh } from '../support/oauth-flow.ts'
import { openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

let gateway: OpenGateway
let every_scope: string
beforeAll(async () => {
  gateway = await openGateway()
  const metadata = await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)
  every_scope = ((await metadata.json()) as { scopes_supported: string[] }).scopes_supported.join(
    ' ',
  )
}, 60_000)
afterAll(() => gateway.close())

async function sendRegistration(metadata: object) {
  const response = await fetch(`${gateway.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('R01 the registration of', () => {
  it.each(client_registrations)(
    '$client is taken, and leads to a tool',
    async ({ metadata, redirect_uri, scope }) => {
      const asked = scope === 'all' ? every_scope : scope
      const { client, ...tokens } = await obtainTokens(gateway.url, {
        metadata,
        redirect_uri,
        parameters: { scope: asked },
      })
      expect(whoamiOf(await callWhoami(gateway.url, { token: tokens.access_token }))).toMatchObject(
        {
          email: 'alice@acme.example',
          client_id: client.client_id,
          scope: expect.stringContaining('mcp:tools'),
        },
      )
      expect('id_token' in tokens).toBe(asked?.includes('openid') ?? false)
      const refreshed = await refresh(gateway.url, client.client_id, tokens.refresh_token)
      expect([refreshed.status, refreshed.body.error]).toEqual([200, undefined])
    },
  )

  it.each(client_registrations)('$client gets no null back', async ({ metadata }) => {
    const { status, body } = await sendRegistration(metadata)
    expect(status).toBe(201)
    expect(Object.entries(body).filter(([, value]) => value === null)).toEqual([])
    expect(body).toMatchObject({
      ...picked(metadata, ['client_name', 'redirect_uris', 'token_endpoint_auth_method']),
      grant_types: ['authorization_code', 'refresh_token'],
    })
  })

  it('a client that sends null for what it leaves out is taken', async () => {
    const nothing = {
      client_uri: null,
      logo_uri: null,
      tos_uri: null,
      policy_uri: null,
      contacts: null,
      jwks: null,
      jwks_uri: null,
      scope: null,
      software_id: null,
      software_statement: null,
      grant_types: null,
      response_types: null,
      application_type: null,
      token_endpoint_auth_method: null,
    }
    const { status, body } = await sendRegistration({ redirect_uris: [callback], ...nothing })
    expect(status).toBe(201)
    expect(Object.values(body)).not.toContain(null)
    const tokens = await obtainTokens(gateway.url, { metadata: nothing })
    expect(tokens.refresh_token).toEqual(expect.any(String))
  })
})

function picked(metadata: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => names.includes(name)))
}

describe('a client with a secret', () => {
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const metadata = { token_endpoint_auth_method: 'client_secret_basic' }

  async function codeOf() {
    const { client, redemption } = await authorize(gateway.url, { metadata })
    if (!client.client_secret) throw new Error('no client_secret was issued')
    return { ...client, client_secret: client.client_secret, redemption }
  }

  it('may name itself in the body too, when both agree', async () => {
    const { client_id, client_secret, redemption } = await codeOf()
    const { status, body } = await token(gateway.url, redemption, basic(client_id, client_secret))
    expect([status, body.error]).toEqual([200, undefined])
    const refreshed = await token(
      gateway.url,
      { grant_type: 'refresh_token', client_id, refresh_token: body.refresh_token },
      basic(client_id, client_secret),
    )
    expect([refreshed.status, refreshed.body.error]).toEqual([200, undefined])
  })

  it('may leave its name to the header', async () => {
    const { client_id, client_secret, redemption } = await codeOf()
    const { grant_type, code, redirect_uri, code_verifier } = redemption
    const nameless = { grant_type, code, redirect_uri, code_verifier }
    const { status } = await token(gateway.url, nameless, basic(client_id, client_secret))
    expect(status).toBe(200)
  })

  it('is refused with another name in the body, a wrong secret or none, and keeps its code', async () => {
    const { client_id, client_secret, redemption } = await codeOf()
    const other = await register(gateway.url)
    const attempts = [
      token(
        gateway.url,
        { ...redemption, client_id: other.client_id },
        basic(client_id, client_secret),
      ),
      token(gateway.url, redemption, basic(client_id, 'wrong')),
      token(gateway.url, redemption),
    ]
    for (const { status, body } of await Promise.all(attempts)) {
      expect([400, 401]).toContain(status)
      expect(body).not.toHaveProperty('access_token')
    }
    const { status } = await token(gateway.url, redemption, basic(client_id, client_secret))
    expect(status).toBe(200)
  })
})

describe('an authorization request', () => {
  const audience = (access_token: string) => decodeJwt(access_token).aud

  it.each(['/mcp', '/mcp/', '', '/', undefined])(
    'T01 with the resource %p after the origin gives the one audience',
    async path => {
      const resource = path === undefined ? undefined : `${gateway.url}${path}`
      const { client, redemption } = await authorize(gateway.url, { parameters: { resource } })
      const sent = resource === undefined ? {} : { resource }
      const { status, body } = await token(gateway.url, { ...redemption, ...sent })
      expect([status, body.error]).toEqual([200, undefined])
      expect(audience(body.access_token)).toBe(`${gateway.url}/mcp`)
      const refreshed = await token(gateway.url, {
        grant_type: 'refresh_token',
        client_id: client.client_id,
        refresh_token: body.refresh_token,
        ...sent,
      })
      expect([refreshed.status, refreshed.body.error]).toEqual([200, undefined])
      expect(audience(refreshed.body.access_token)).toBe(`${gateway.url}/mcp`)
    },
  )

  it('may spell the resource differently at the token endpoint', async () => {
    const { redemption } = await authorize(gateway.url, {
      parameters: { resource: `${gateway.url}/mcp/` },
    })
    const { status, body } = await token(gateway.url, { ...redemption, resource: gateway.url })
    expect([status, audience(body.access_token)]).toEqual([200, `${gateway.url}/mcp`])
  })

  it('without a scope gets the default one, and a refresh token nobody asked for', async () => {
    const tokens = await obtainTokens(gateway.url, { parameters: { scope: undefined } })
    expect(tokens).toMatchObject({ scope: 'mcp:tools', refresh_token: expect.any(String) })
    expect(tokens).not.toHaveProperty('id_token')
  })
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from 'undici'
import { rawConfig } from '../../../support/config.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  openAuthorizationServer,
  openBrowser,
  register,
} from '../../../support/authorization-server.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const resource_metadata = [
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
]
const server_metadata = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
]
const called_by_scripts = [
  ...resource_metadata,
  ...server_metadata,
  '/.well-known/other',
  '/register',
  '/token',
  '/revoke',
  '/userinfo',
  '/jwks',
]

async function json(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(server.url + path)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^application\/(?:jwk-set\+)?json/)
  return (await response.json()) as Record<string, unknown>
}

function nulls(value: unknown): boolean {
  if (value === null) return true
  return typeof value === 'object' && Object.values(value).some(nulls)
}

describe('discovery', () => {
  it('D01 serves the resource metadata at both addresses, equal', async () => {
    const [root, inserted] = await Promise.all(resource_metadata.map(json))
    expect(inserted).toEqual(root)
    expect(root).toMatchObject({
      resource: `${server.url}/mcp`,
      authorization_servers: [server.url],
      scopes_supported: ['mcp:tools'],
      bearer_methods_supported: ['header'],
    })
  })

  it('D02 serves RFC 8414 and OpenID discovery with what clients look for, and nothing we do not serve', async () => {
    const [oauth, openid] = await Promise.all(server_metadata.map(json))
    expect(openid).toEqual(oauth)
    expect(oauth).toMatchObject({
      issuer: server.url,
      authorization_endpoint: `${server.url}/authorize`,
      token_endpoint: `${server.url}/token`,
      registration_endpoint: `${server.url}/register`,
      revocation_endpoint: `${server.url}/revoke`,
      jwks_uri: `${server.url}/jwks`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      grant_types_supported: ['authorization_code', 'refresh_token'],
      response_types_supported: ['code'],
    })
    expect(oauth?.token_endpoint_auth_methods_supported).toContain('none')
    expect(oauth).toHaveProperty('client_id_metadata_document_supported', true)
    expect(oauth).not.toHaveProperty('introspection_endpoint')
    expect(oauth?.response_modes_supported).toEqual(['query'])
    expect(nulls(oauth)).toBe(false)
    expect(nulls(await json(resource_metadata[0] ?? ''))).toBe(false)
  })

  it('D03 lists offline_access at the authorization server only', async () => {
    expect((await json(server_metadata[0] ?? '')).scopes_supported).toContain('offline_access')
    expect(JSON.stringify(await json(resource_metadata[0] ?? ''))).not.toContain('offline_access')
  })

  it.each([
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration/mcp',
    '/.well-known/mcp',
    '/.well-known/',
    '/.well-known',
    '/.well-known/oauth-protected-resource/other',
    '/.well-known/oauth-protected-resource/mcp/extra',
    '/.well-known/%2e%2e/token',
    '/.well-known/oauth-authorization-server/',
  ])('D04 answers %s with a JSON 404', async path => {
    const response = await fetch(server.url + path, { redirect: 'manual' })
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toHaveProperty('error')
  })

  it.each(called_by_scripts)('D04 answers a preflight on %s', async path => {
    const response = await fetch(server.url + path, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://inspector.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    const allowed = response.headers.get('access-control-allow-headers')?.toLowerCase()
    for (const name of [
      'authorization',
      'mcp-protocol-version',
      'content-type',
      'mcp-method',
      'mcp-name',
    ])
      expect(allowed).toContain(name)
  })

  it('D04 lets a script read an error of the token endpoint', async () => {
    const response = await fetch(`${server.url}/token`, {
      method: 'POST',
      headers: { origin: 'https://inspector.example' },
      body: new URLSearchParams({ grant_type: 'x' }),
    })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('publishes public keys only', async () => {
    const { keys } = (await json('/jwks')) as { keys: Record<string, unknown>[] }
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', kid: 's1' })
    expect(keys[0]).not.toHaveProperty('d')
  })
})

describe('D05 the public URL is configuration', () => {
  const lies = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '8443',
    'x-forwarded-prefix': '/evil',
    forwarded: 'host=evil.example;proto=https',
    'x-original-host': 'evil.example',
  }

  it.each([
    ...resource_metadata,
    ...server_metadata,
    '/jwks',
    '/authorize?client_id=x',
    '/connect/unknown',
    '/callback/dev?state=x',
    '/logout',
  ])('%s is the same whatever the wire says', async path => {
    const answer = async (headers: Record<string, string>) => {
      const response = await request(server.url + path, { headers })
      return {
        status: response.statusCode,
        location: response.headers.location,
        body: (await response.body.text()).replace(/name="xsrf" value="[^"]*"/g, ''),
      }
    }
    const told = await answer(lies)
    expect(told).toEqual(await answer({}))
    expect(JSON.stringify(told)).not.toContain('evil.example')
  })

  it('nor do redirects and cookies of an authorization follow it', async () => {
    const { client_id } = await register(server.url)
    const { url } = authorizationRequest(server.url, client_id)
    const response = await request(url, { headers: lies })
    expect(response.statusCode).toBe(303)
    expect(String(response.headers.location)).toMatch(/^\/connect\//)
    expect(JSON.stringify(response.headers)).not.toContain('evil.example')
    expect(JSON.stringify(response.headers['set-cookie'])).not.toMatch(/domain|secure/i)
  })

  it('cookies carry the prefix and Secure when the public URL is https', async () => {
    const secure = await openAuthorizationServer({
      issuer: 'https://gw.example',
      identity_providers: rawConfig().identity_providers,
    })
    try {
      const { client_id } = await register(secure.url)
      const { url } = authorizationRequest(secure.url, client_id, {
        resource: 'https://gw.example/mcp',
      })
      const first = await request(url)
      const cookies = [first.headers['set-cookie'] ?? []].flat()
      expect(cookies.length).toBeGreaterThan(0)
      for (const cookie of cookies) expect(cookie).toMatch(/; secure/i)
      expect(cookies).toContainEqual(
        expect.stringMatching(
          /^__Host-mcp_browser=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
        ),
      )
    } finally {
      await secure.close()
    }
  })
})

describe('R07 an unknown client', () => {
  it('is a readable page and no redirect at /authorize', async () => {
    const page = await openBrowser().open(authorizationRequest(server.url, 'nobody-knows-me').url)
    expect(page.status).toBe(400)
    expect(page.intercepted).toBe(false)
    expect(page.says).toContain('This application is not known here')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('is invalid_client with 401 at /token', async () => {
    const response = await fetch(`${server.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'nobody',
        refresh_token: 'x',
      }),
    })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: 'invalid_client' })
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { clientMetadata } from '../../../../../plugins/mcp-oidc/authorization/client-metadata.ts'

const policy = { issuer: 'https://gw.example', private_use_schemes: ['cursor', 'vscode'] }
const ask = (body: unknown) => clientMetadata(body, policy)

describe('R01 what real clients send', () => {
  it.each([
    [
      'Claude Code',
      {
        redirect_uris: ['http://localhost:3118/callback'],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        client_name: 'Claude Code',
      },
      'native',
    ],
    [
      'claude.ai',
      {
        redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'mcp:tools',
        client_name: 'Claude',
      },
      'web',
    ],
    [
      'Cursor',
      {
        redirect_uris: [
          'http://localhost:8787/callback',
          'cursor://anysphere.cursor-mcp/oauth/callback',
          'https://www.cursor.com/agents/mcp/oauth/callback',
        ],
        client_name: 'Cursor',
      },
      'native',
    ],
    [
      'VS Code',
      {
        redirect_uris: [
          'https://insiders.vscode.dev/redirect',
          'https://vscode.dev/redirect',
          'http://127.0.0.1/',
          'http://127.0.0.1:33418/',
        ],
        application_type: 'native',
        grant_types: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
        ],
      },
      'native',
    ],
    [
      'OpenCode',
      {
        redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
        token_endpoint_auth_method: 'none',
      },
      'native',
    ],
    [
      'mcp-remote',
      {
        redirect_uris: ['http://localhost:3335/oauth/callback'],
        scope: 'openid email profile',
        software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      },
      'native',
    ],
    [
      'a client full of nulls',
      {
        redirect_uris: ['https://app.example/cb'],
        client_name: null,
        logo_uri: null,
        scope: null,
        contacts: null,
        jwks_uri: null,
      },
      'web',
    ],
  ])('%s', (_name, body, application_type) => {
    const { metadata } = ask(body) as { metadata: Record<string, unknown> }
    expect(metadata).toMatchObject({
      application_type,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: body.redirect_uris,
    })
    expect(Object.values(metadata)).not.toContain(null)
  })
})

describe('R04 a registration', () => {
  it.each([
    'javascript:alert(1)',
    'http://app.example/cb',
    'https://app.example/#x',
    'https://*.example/',
    'myapp://x',
    'https://gw.example/cb',
  ])('with the redirect URI %s is refused', uri => {
    expect(ask({ redirect_uris: ['https://app.example/cb', uri] })).toMatchObject({
      error: 'invalid_redirect_uri',
    })
  })

  it.each([
    ['no object', 'text'],
    ['a list', []],
    ['nothing', undefined],
    ['no redirect URI', {}],
    ['an empty list', { redirect_uris: [] }],
    ['a number in the list', { redirect_uris: [1] }],
    [
      '33 redirect URIs',
      { redirect_uris: Array.from({ length: 33 }, (_, n) => `https://app.example/${n}`) },
    ],
    ['a long name', { redirect_uris: ['https://app.example/cb'], client_name: 'x'.repeat(201) }],
    ['no code grant', { redirect_uris: ['https://app.example/cb'], grant_types: ['implicit'] }],
    ['no code response', { redirect_uris: ['https://app.example/cb'], response_types: ['token'] }],
    [
      'a foreign auth method',
      { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'tls_client_auth' },
    ],
  ])('with %s is refused in words', (_name, body) => {
    const refused = ask(body)
    expect(refused).toMatchObject({
      error: 'invalid_client_metadata',
      error_description: expect.any(String),
    })
  })

  it('keeps nothing that we do not serve', () => {
    const body = {
      redirect_uris: ['https://app.example/cb'],
      jwks_uri: 'https://evil.example',
      sector_identifier_uri: 'https://evil.example',
      initiate_login_uri: 'https://evil.example',
      backchannel_logout_uri: 'https://evil.example',
      request_uris: ['https://evil.example'],
      client_id: 'mine',
      client_secret: 'mine',
      __proto__: { a: 1 },
    }
    expect(JSON.stringify(ask(body))).not.toMatch(/evil|mine/)
  })

  it('is refused or accepted, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({
            redirect_uris: fc.oneof(fc.jsonValue(), fc.array(fc.webUrl())),
            client_name: fc.jsonValue(),
            grant_types: fc.jsonValue(),
          }),
        ),
        body => {
          const answer = ask(body)
          expect('metadata' in answer || 'error' in answer).toBe(true)
        },
      ),
    )
  })
})

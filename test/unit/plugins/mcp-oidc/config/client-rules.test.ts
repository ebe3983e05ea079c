import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../../plugins/mcp-oidc/config/problem.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig } from '../../../../support/config.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] })
const secret = 'x'.repeat(32)
const client = {
  client_id: 'claude',
  name: 'Claude',
  redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
}
const own = {
  first_party: true,
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret: secret,
  redirect_uris: ['/console/callback'],
}

function problemsOf(clients: readonly object[], changes: object = {}): readonly string[] {
  try {
    parseConfig(rawConfig({ clients, ...changes }))
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

describe('R03 a client in the configuration', () => {
  it.each([
    ['public', client],
    ['with nulls, as Kong sends them', { ...client, client_secret: null, jwks: null }],
    [
      'with a secret',
      { ...client, token_endpoint_auth_method: 'client_secret_basic', client_secret: secret },
    ],
    [
      'with a secret in the body',
      { ...client, token_endpoint_auth_method: 'client_secret_post', client_secret: secret },
    ],
    ['with keys', { ...client, token_endpoint_auth_method: 'private_key_jwt', jwks }],
    [
      'with an address of keys',
      {
        ...client,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: 'https://claude.ai/jwks',
      },
    ],
    [
      'of our own, at our own origin',
      { ...client, ...own, redirect_uris: ['https://gw.example/console/callback'] },
    ],
    [
      'of our own, by its paths',
      { ...client, ...own, post_logout_redirect_uris: ['/console/signed-out'] },
    ],
  ])('may be %s', (_name, given) => {
    expect(problemsOf([given])).toEqual([])
  })

  it.each([
    ['an id that is a URL', { client_id: 'https://claude.ai/x' }, 'client_id: "https'],
    ['an id with a space', { client_id: 'a b' }, 'client_id: "a b"'],
    ['an id like that of a registration', { client_id: 'dcr_x' }, 'client_id: "dcr_x"'],
    ['the id of the MCP server', { client_id: 'mcp-server' }, 'client_id: equals'],
    ['the id of a resource server', { client_id: 'server' }, 'client_id: "server" belongs'],
    ['no redirect URI', { redirect_uris: [] }, 'redirect_uris: list 1 to 32'],
    [
      'a redirect URI of a script',
      { redirect_uris: [...client.redirect_uris, 'javascript:alert(1)'] },
      'redirect_uris.[1]: "javascript:alert(1)" uses the scheme',
    ],
    [
      'a redirect to our own origin',
      { redirect_uris: ['https://gw.example/console/callback'] },
      'redirect_uris.[0]: "https://gw.example/console/callback" points at',
    ],
    [
      'plain http, also of our own',
      { ...own, redirect_uris: ['http://gw.example/cb'] },
      'redirect_uris.[0]: "http://gw.example/cb" uses http',
    ],
    [
      'another origin for a page of our own',
      { ...own, redirect_uris: ['https://claude.ai/cb'] },
      'redirect_uris.[0]: "https://claude.ai/cb" is not at the gateway\'s own origin',
    ],
    [
      'another origin to sign out to from a page of our own',
      { ...own, post_logout_redirect_uris: ['https://claude.ai/'] },
      'post_logout_redirect_uris.[0]: "https://claude.ai/" is not at the gateway\'s own origin',
    ],
    [
      "a path that is none of the gateway's",
      { redirect_uris: ['/console/callback'] },
      'redirect_uris.[0]: "/console/callback" is not an absolute URI',
    ],
    [
      'a page of our own that proves nothing',
      { first_party: true, redirect_uris: ['/console/callback'] },
      'token_endpoint_auth_method: a first_party client',
    ],
    [
      'no secret',
      { token_endpoint_auth_method: 'client_secret_basic' },
      'client_secret: client_secret_basic needs one',
    ],
    [
      'a short secret',
      { token_endpoint_auth_method: 'client_secret_post', client_secret: 'short' },
      'client_secret: client_secret_post needs one',
    ],
    ['a secret it has no use for', { client_secret: secret }, 'client_secret: is of no use'],
    [
      'no keys',
      { token_endpoint_auth_method: 'private_key_jwt' },
      'jwks: private_key_jwt needs either',
    ],
    [
      'keys twice',
      { token_endpoint_auth_method: 'private_key_jwt', jwks, jwks_uri: 'https://a.example' },
      'jwks: private_key_jwt needs either',
    ],
    ['keys it has no use for', { jwks }, 'jwks: is of no use with none'],
    [
      'keys over plain http',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://a.example' },
      'jwks_uri: "http://a.example" must be an https URL',
    ],
    [
      'keys that are no JSON',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: '{' },
      'jwks: is not JSON',
    ],
    [
      'an empty list of keys',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: '{"keys":[]}' },
      'jwks: must be a JWKS',
    ],
    [
      'a key that is none',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}',
      },
      'jwks: key [0] is not a key',
    ],
    [
      'a private key',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }),
      },
      'jwks: key [0] holds a private part',
    ],
  ])('O05 is refused with %s', (_name, changes, problem) => {
    const resource_servers = [{ id: 'server', secret: 's'.repeat(32) }]
    const problems = problemsOf([{ ...client, ...changes }], { resource_servers })
    expect(problems).toEqual([expect.stringContaining(`clients.[0].${problem}`)])
  })

  it('O05 is refused twice under one id, and all that is wrong is said at once', () => {
    const problems = problemsOf([client, { ...client, redirect_uris: [] }, { name: 'x' }])
    expect(problems.map(problem => problem.split(':')[0])).toEqual([
      'clients.[2].client_id',
      'clients.[2].redirect_uris',
    ])
    expect(problemsOf([client, { ...client, redirect_uris: [] }])).toEqual([
      expect.stringContaining('clients.[0].client_id: "claude" belongs to another'),
      expect.stringContaining('clients.[1].redirect_uris: list'),
      expect.stringContaining('clients.[1].client_id: "claude" belongs to another'),
    ])
  })

  it('R08 never has its secret or key repeated', () => {
    const told = problemsOf([
      { ...client, client_secret: 'S3CRET' },
      { ...client, jwks: JSON.stringify({ keys: [privateKey.export({ format: 'jwk' })] }) },
    ]).join()
    expect(told).not.toContain('S3CRET')
    expect(told).not.toContain(String(privateKey.export({ format: 'jwk' }).d))
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DocumentError } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/document-error.ts'
import { judgeDocument } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/judge-document.ts'
import { matchesRegistered } from '../../../../../../plugins/mcp-oidc/authorization/redirect-uri.ts'
import { createClientKey } from '../../../../../support/client-assertion.ts'
import { client_documents } from '../../../../../support/client-documents.ts'

const policy = {
  redirects: { issuer: 'https://gw.example', private_use_schemes: ['cursor'] },
  hosts: { allowed: [], denied: ['evil.example'], private: [] },
}
const client_id = 'https://app.example/client.json'
const document = { client_id, client_name: 'App', redirect_uris: ['https://app.example/cb'] }
const judge = (body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return judgeDocument(client_id, Buffer.isBuffer(body) ? body : Buffer.from(text), policy)
}
const jwks = { keys: [createClientKey().public_jwk] }

describe('R02 the document of', () => {
  it.each(client_documents)('$client is accepted', ({ document: real, redirect_uri, method }) => {
    const client = judgeDocument(real.client_id, Buffer.from(JSON.stringify(real)), policy)
    expect(client).toMatchObject({
      client_id: real.client_id,
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
    })
    expect(matchesRegistered(redirect_uri, client.redirect_uris ?? [])).toBe(true)
  })
})

describe('R02 a document', () => {
  it.each([
    ['nothing more than it needs', {}, 'none'],
    ['null members', { logo_uri: null, jwks: null, token_endpoint_auth_method: null }, 'none'],
    ['no secret', { token_endpoint_auth_method: 'none' }, 'none'],
    ['keys', { token_endpoint_auth_method: 'private_key_jwt', jwks }, 'private_key_jwt'],
    [
      'an address of keys',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.example/jwks' },
      'private_key_jwt',
    ],
    [
      'a choice of methods',
      { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'], jwks },
      'private_key_jwt',
    ],
    ['keys it does not use', { jwks }, 'none'],
    ['a logo', { logo_uri: 'https://cdn.example/logo.svg' }, 'none'],
  ])('may hold %s', (_name, members, method) => {
    expect(judge({ ...document, ...members })).toMatchObject({
      client_id,
      token_endpoint_auth_method: method,
    })
  })

  it.each<[string, unknown, string]>([
    ['that is empty', '', 'it is not JSON'],
    ['that is no JSON', '<html>', 'it is not JSON'],
    ['that is a list', '[]', 'it is not a JSON object'],
    ['that is null', 'null', 'it is not a JSON object'],
    ['that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'it is not JSON'],
    ['without a client_id', { ...document, client_id: undefined }, 'it names another client_id'],
    ['of another', { ...document, client_id: `${client_id}/` }, 'it names another client_id'],
    ['in other letters', { ...document, client_id: client_id.toUpperCase() }, 'it names another'],
    ['of several', { ...document, client_id: [client_id] }, 'it names another client_id'],
    ['with a secret', { ...document, client_secret: 'x' }, 'it holds a client secret'],
    [
      'with the end of a secret',
      { ...document, client_secret_expires_at: 0 },
      'it holds a client secret',
    ],
    ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'tls_client_auth', 1].map(
      (method): [string, unknown, string] => [
        `with the method ${method}`,
        { ...document, token_endpoint_auth_method: method },
        'its token_endpoint_auth_method is neither',
      ],
    ),
    [
      'without keys',
      { ...document, token_endpoint_auth_method: 'private_key_jwt' },
      'private_key_jwt needs',
    ],
    [
      'with keys twice',
      {
        ...document,
        ...{ token_endpoint_auth_method: 'private_key_jwt', jwks },
        jwks_uri: 'https://app.example/jwks',
      },
      'private_key_jwt needs either',
    ],
    [
      'with a private key',
      {
        ...document,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...jwks.keys[0], d: 'x' }] },
      },
      'its jwks key [0] holds a private part',
    ],
    ['without redirects', { ...document, redirect_uris: [] }, 'its metadata is not valid'],
    [
      'with a script',
      { ...document, redirect_uris: ['javascript:alert(1)'] },
      'its metadata is not valid: A redirect URI uses the scheme',
    ],
    [
      'that leads to ourselves',
      { ...document, redirect_uris: ['https://gw.example/callback/x'] },
      'its metadata is not valid: A redirect URI points at',
    ],
    ['with a number as its name', { ...document, client_name: 1 }, 'its metadata is not valid'],
    ['for another grant', { ...document, grant_types: ['implicit'] }, 'its metadata is not valid'],
    ...['logo_uri', 'client_uri', 'jwks_uri', 'tos_uri', 'policy_uri'].flatMap(
      (name): [string, unknown, string][] =>
        [
          'http://app.example/x',
          'https://127.0.0.1/x',
          'https://[::1]/x',
          'https://app.example:8443/x',
          'https://user@app.example/x',
          'https://localhost/x',
          'data:text/html,x',
        ].map(uri => [
          `with the ${name} ${uri}`,
          { ...document, [name]: uri },
          `its ${name} is not accepted: its`,
        ]),
    ),
    [
      'with keys of a host that is denied',
      { ...document, jwks_uri: 'https://evil.example/jwks' },
      'its jwks_uri is on a host',
    ],
  ])('%s is refused in words', (_name, body, words) => {
    const judged = () => judge(body)
    expect(judged).toThrow(DocumentError)
    expect(judged).toThrow(words)
  })

  it('is refused or accepted as a client of its address, whatever it holds', () => {
    const members = fc.record(
      {
        client_id: fc.oneof(fc.constant(client_id), fc.jsonValue()),
        redirect_uris: fc.oneof(fc.jsonValue(), fc.array(fc.webUrl())),
        jwks: fc.jsonValue(),
        jwks_uri: fc.oneof(fc.jsonValue(), fc.webUrl()),
        token_endpoint_auth_method: fc.oneof(fc.constant('private_key_jwt'), fc.jsonValue()),
        logo_uri: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(members, fc.jsonValue()), body => {
        try {
          expect(judge(JSON.stringify(body)).client_id).toBe(client_id)
        } catch (error) {
          expect(error).toBeInstanceOf(DocumentError)
        }
      }),
    )
  })
})

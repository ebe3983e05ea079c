import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  matchesRegistered,
  redirectUriProblem,
} from '../../../../../plugins/mcp-oidc/authorization/redirect-uri.ts'

const policy = { issuer: 'https://gw.example', private_use_schemes: ['cursor'] }

describe('R04 the redirect policy', () => {
  it.each([
    'https://claude.ai/api/mcp/auth_callback',
    'https://chatgpt.com/connector/oauth/abc123',
    'https://vscode.dev/redirect',
    'http://localhost:3118/callback',
    'http://127.0.0.1:33418/',
    'http://127.0.0.1:33418',
    'http://[::1]:9000/cb',
    'http://127.0.0.1:19876/mcp/oauth/callback',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'com.example.app:/oauth/callback',
    'https://app.example/cb?tenant=1',
  ])('accepts %s', uri => {
    expect(redirectUriProblem(uri, policy)).toBeUndefined()
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://app.example/1',
    'vbscript:x',
    'JavaScript:alert(1)',
    'http://app.example/cb',
    'http://localhost.evil.example/cb',
    'http://127.0.0.1.evil.example/',
    'http://127.1/cb',
    'http://0x7f000001/',
    'http://2130706433/',
    'https://*.example/cb',
    'https://app.example/*',
    'https://app.example/cb#fragment',
    'https://user@app.example/cb',
    'https://user:pw@app.example/cb',
    'https://@app.example/cb',
    'https://app.example\\@evil.example/cb',
    'https:\\\\app.example/cb',
    'https:/app.example/cb',
    'https://APP.example/cb',
    'HTTPS://app.example/cb',
    'https://app.example:443/cb',
    'https://app.example./cb',
    'https://app.example/a/../cb',
    'https://app.example/a/%2e%2e/cb',
    'https://app.example/%2F%2Fevil',
    'https://äpp.example/cb',
    'https://app.example/c b',
    ' https://app.example/cb',
    'https://app.example/\tcb',
    'https://app.example/cb\n',
    'https://gw.example/callback/dev',
    'https://gw.example',
    'myapp://callback',
    'other:/cb',
    '/relative',
    '',
    'https://',
    `https://app.example/${'a'.repeat(2048)}`,
  ])('refuses %j', uri => {
    expect(redirectUriProblem(uri, policy)).toEqual(expect.any(String))
  })
})

describe('R04 the own origin on loopback', () => {
  it('is refused under each of its names', () => {
    const local = { ...policy, issuer: 'http://localhost:8000' }
    for (const uri of [
      'http://localhost:8000/cb',
      'http://127.0.0.1:8000/cb',
      'http://[::1]:8000/cb',
    ])
      expect(redirectUriProblem(uri, local)).toContain('own origin')
    expect(redirectUriProblem('http://127.0.0.1:8001/cb', local)).toBeUndefined()
  })
})

describe('R05 comparison with what was registered', () => {
  const registered = [
    'https://app.example/cb',
    'http://127.0.0.1/callback',
    'http://localhost:1234/cb?x=1',
    'cursor://a/b',
  ]

  it.each([
    'https://app.example/cb',
    'http://127.0.0.1:5678/callback',
    'http://127.0.0.1/callback',
    'http://localhost:9/cb?x=1',
    'cursor://a/b',
  ])('accepts %s', uri => {
    expect(matchesRegistered(uri, registered)).toBe(true)
  })

  it.each([
    'https://app.example:8443/cb',
    'https://app.example/cb/',
    'https://app.example/CB',
    'https://app.example/cb?x',
    'http://app.example/cb',
    'http://localhost:5678/callback',
    'http://127.0.0.1:5678/callback/',
    'http://127.0.0.1:5678/callback?x',
    'http://127.0.0.1:5678@evil.example/callback',
    'http://127.0.0.1:1234567/callback',
    'http://127.0.0.1:/callback',
    'http://127.0.0.1:80:80/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://127.0.0.1/callback',
    'http://localhost:9/cb?x=2',
    'http://localhost:9/cb',
    'cursor://a:1/b',
  ])('refuses %s', uri => {
    expect(matchesRegistered(uri, registered)).toBe(false)
  })

  it('accepts nothing but the same bytes with another loopback port', () => {
    const spice = fc.constantFrom(
      '@',
      ':',
      '\\',
      '%2e',
      '..',
      '/',
      '#',
      '?',
      '.',
      '0',
      'a',
      '//',
      '%00',
      '[',
      ']',
      ' ',
    )
    const variant = fc
      .tuple(fc.constantFrom(...registered), fc.nat(40), spice, fc.boolean())
      .map(([uri, at, text, replace]) => uri.slice(0, at) + text + uri.slice(replace ? at + 1 : at))
    fc.assert(
      fc.property(variant, uri => {
        const port = /^(http:\/\/(?:127\.0\.0\.1|localhost))(?::\d{1,5})?(\/.*)$/.exec(uri)
        const same =
          registered.includes(uri) ||
          ['http://127.0.0.1/callback', 'http://localhost/cb?x=1'].includes(
            `${port?.[1]}${port?.[2]}`,
          )
        expect(matchesRegistered(uri, registered)).toBe(same)
      }),
      { numRuns: 5000 },
    )
  })
})

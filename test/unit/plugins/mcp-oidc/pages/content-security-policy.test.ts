import { describe, expect, it } from '@jest/globals'
import {
  content_security_policy,
  formActionSource,
} from '../../../../../plugins/mcp-oidc/pages/content-security-policy.ts'

describe('content_security_policy', () => {
  it('A07 forbids scripts, frames and everything from elsewhere', () => {
    expect(content_security_policy([])).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
  })

  it('lets forms lead to the given sources, each named once', () => {
    const policy = content_security_policy([
      'https://a.example',
      'http://127.0.0.1:*',
      'cursor:',
      'https:',
      'https:',
    ])
    expect(policy).toContain(
      "form-action 'self' https://a.example http://127.0.0.1:* cursor: https:;",
    )
  })

  it.each([
    'https://a.example; script-src *',
    'https://a.example script:',
    'https://a.example,default-src',
    "'unsafe-inline'",
    '*',
    'https://*.example',
    'https://a.example/path',
    'a.example',
    '',
    'https://a.example\n',
  ])('refuses %j as a source', source => {
    expect(() => content_security_policy([source])).toThrow(TypeError)
  })
})

describe('formActionSource', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'https://claude.ai'],
    ['https://app.example:8443/cb?x=1', 'https://app.example:8443'],
    ['https://app.example:443/cb', 'https://app.example'],
    ['https://bücher.example/cb', 'https://xn--bcher-kva.example'],
    ['http://localhost:8787/callback', 'http://localhost:*'],
    ['http://127.0.0.1:33418/', 'http://127.0.0.1:*'],
    ['http://127.0.0.1/', 'http://127.0.0.1:*'],
    ['http://intranet.example:8080/cb', 'http://intranet.example:8080'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'cursor:'],
    ['com.example.app:/oauth', 'com.example.app:'],
    ['vscode-insiders://publisher/callback', 'vscode-insiders:'],
  ])('%s is reached through %s', (redirect_uri, source) => {
    expect(formActionSource(redirect_uri)).toBe(source)
  })

  it.each([
    ['http://[::1]:4000/cb', 'http:'],
    ['https://a_b.example/cb', 'https:'],
    ["https://a;script-src'.example/cb", 'https:'],
    ['https://a,b.example/cb', 'https:'],
    ['https://*.example/cb', 'https:'],
  ])('%s, whose host no source can hold, by its scheme', (redirect_uri, source) => {
    expect(formActionSource(redirect_uri)).toBe(source)
  })

  it('takes no user name or password along', () => {
    expect(formActionSource('https://user:pass@app.example/cb')).toBe('https://app.example')
  })

  it('always gives what content_security_policy accepts', () => {
    for (const uri of ['http://[::1]/', 'a.b+c-d:/x', 'https://a.example./', "https://a'b.example"])
      expect(content_security_policy([formActionSource(uri)])).toContain("form-action 'self' ")
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', ''])(
    'refuses %j',
    uri => {
      expect(() => formActionSource(uri)).toThrow(TypeError)
    },
  )
})

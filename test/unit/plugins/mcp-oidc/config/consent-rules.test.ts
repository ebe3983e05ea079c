import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../../plugins/mcp-oidc/config/problem.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig } from '../../../../support/config.ts'

const external = {
  mode: 'external',
  url: 'https://accounts.example/connect?tenant=acme',
  jwks_uri: 'https://accounts.example/jwks',
  audience: 'accounts.example',
}

const parse = (consent: unknown, changes: object = {}) =>
  parseConfig(rawConfig({ consent, ...changes })).settings.external_consent

function problemsOf(consent: unknown, changes: object = {}): readonly string[] {
  try {
    parse(consent, changes)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

describe('A09 the setting consent', () => {
  it.each([
    ['not there', undefined],
    ['null, as Kong sends it', null],
    ['empty', {}],
    ['internal', { mode: 'internal' }],
    ['internal, with nulls', { mode: 'internal', url: null, jwks_uri: null, audience: null }],
  ])('that is %s leaves it to our own page', (_name, consent) => {
    expect(parse(consent)).toBeUndefined()
  })

  it('names a service', () => {
    const { mode, ...service } = external
    expect(mode).toBe('external')
    expect(parse(external)).toEqual(service)
  })

  it('takes plain http on loopback, for a gateway on loopback', () => {
    const local = {
      ...external,
      url: 'http://localhost:9000/consent',
      jwks_uri: 'http://127.0.0.1:9000/jwks',
    }
    expect(problemsOf(local, { issuer: 'http://localhost:8000' })).toEqual([])
    expect(problemsOf(local)).toEqual([
      'consent.url: plain http is for a gateway on loopback; use https',
    ])
  })

  it.each([
    ['another mode', { mode: 'both' }, 'consent.mode: '],
    ['a service without mode', { mode: null }, 'consent.mode: must be external where'],
    ['no url', { url: null }, 'consent.url: is required with mode external'],
    ['an empty url', { url: '' }, 'consent.url: must not be empty'],
    ['a url that is none', { url: 'accounts' }, 'consent.url: "accounts" is not a URL'],
    ['plain http', { url: 'http://accounts.example' }, 'consent.url: "http://accounts'],
    ['another scheme', { url: 'javascript:alert(1)' }, 'consent.url: "javascript'],
    ['a fragment', { url: 'https://accounts.example/#x' }, 'consent.url: must have no user'],
    ['a password', { jwks_uri: 'https://a:b@accounts.example' }, 'consent.jwks_uri: must have no'],
    [
      'a request of its own',
      { url: 'https://accounts.example?request=x' },
      'consent.url: must not',
    ],
    ['no keys', { jwks_uri: null }, 'consent.jwks_uri: is required with mode external'],
    ['keys over plain http', { jwks_uri: 'http://accounts.example' }, 'consent.jwks_uri: "http'],
    ['our keys', { jwks_uri: 'https://gw.example/jwks' }, 'consent.jwks_uri: is the address of'],
    ['no audience', { audience: null }, 'consent.audience: is required with mode external'],
    ['the issuer', { audience: 'https://gw.example' }, 'consent.audience: equals the issuer'],
    ['the resource', { audience: 'https://gw.example/mcp' }, 'consent.audience: equals'],
    ['the MCP server', { audience: 'mcp-server' }, 'consent.audience: equals the issuer'],
  ])('may not have %s', (_name, changes, problem) => {
    const problems = problemsOf({ ...external, ...changes })
    expect(problems).toHaveLength(1)
    expect(problems[0]?.startsWith(problem)).toBe(true)
  })

  it('tells every problem at once', () => {
    expect(problemsOf({ mode: 'external' })).toHaveLength(3)
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  clientIdUrlProblem,
  documentUrlProblem,
  isDocumentUrl,
} from '../../../../../../plugins/mcp-oidc/authorization/client-documents/document-url.ts'
import {
  isPrivate,
  isUnwanted,
} from '../../../../../../plugins/mcp-oidc/authorization/client-documents/host-rules.ts'

const rules = { private: ['intranet', 'tools.corp.example:8443'] }
const problem = (url: string) => clientIdUrlProblem(url, rules)

describe('R02 a client id', () => {
  it.each([
    'https://claude.ai/oauth/claude-code-client-metadata',
    'https://chatgpt.com/oauth/client.json',
    'https://vscode.dev/oauth/client-metadata.json',
    'https://xn--mnchen-3ya.example/client',
    'https://a.example/c?v=1',
    'https://intranet/client',
    'https://tools.corp.example:8443/client',
  ])('may be %s', url => {
    expect(isDocumentUrl(url)).toBe(true)
    expect(problem(url)).toBeUndefined()
  })

  it.each([
    ['plain http', 'http://a.example/c'],
    ['an upper-case scheme', 'HTTPS://a.example/c'],
    ['no path', 'https://a.example'],
    ['the root alone', 'https://a.example/'],
    ['the root and a query', 'https://a.example/?c'],
    ['a fragment', 'https://a.example/c#x'],
    ['an empty fragment', 'https://a.example/c#'],
    ['user information', 'https://user@a.example/c'],
    ['a password', 'https://u:p@a.example/c'],
    ['empty user information', 'https://@a.example/c'],
    ['two hosts', 'https://a.example@127.0.0.1/c'],
    ['a backslash', 'https://a.example\\@b.example/c'],
    ['a dot segment', 'https://a.example/x/../c'],
    ['a single dot', 'https://a.example/./c'],
    ['an escaped dot segment', 'https://a.example/%2e%2e/c'],
    ['half an escaped dot segment', 'https://a.example/.%2E/c'],
    ['an escaped slash', 'https://a.example/x%2fc'],
    ['a port', 'https://a.example:8443/c'],
    ['the usual port', 'https://a.example:443/c'],
    ['an empty port', 'https://a.example:/c'],
    ['a port too large', 'https://a.example:99999/c'],
    ['another port of a private host', 'https://tools.corp.example:22/c'],
    ['a private host without its port', 'https://intranet:8443/c'],
    ['an upper-case host', 'https://A.example/c'],
    ['a host with a final dot', 'https://a.example./c'],
    ['a host of one label', 'https://localhost/c'],
    ['an IDN that is not encoded', 'https://münchen.example/c'],
    ['full-width digits', 'https://１２７.0.0.1/c'],
    ['IPv4', 'https://93.184.215.14/c'],
    ['loopback', 'https://127.0.0.1/c'],
    ['decimal IPv4', 'https://2130706433/c'],
    ['octal IPv4', 'https://0177.0.0.01/c'],
    ['hexadecimal IPv4', 'https://0x7f000001/c'],
    ['short IPv4', 'https://127.1/c'],
    ['IPv4 with a final dot', 'https://127.0.0.1./c'],
    ['IPv6', 'https://[2606:4700::1]/c'],
    ['loopback of IPv6', 'https://[::1]/c'],
    ['IPv4-mapped', 'https://[::ffff:127.0.0.1]/c'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/c'],
    ['6to4', 'https://[2002:7f00:1::]/c'],
    ['a space', 'https://a.example/c d'],
    ['a line break', 'https://a.example/c\n'],
    ['a tab in the scheme', 'ht\ttps://a.example/c'],
    ['one slash', 'https:/a.example/c'],
    ['no slash', 'https:a.example/c'],
    ['no host', 'https:///c'],
    ['a NUL', 'https://a.example/\0'],
    ['1,100 characters', `https://a.example/${'c'.repeat(1_100)}`],
  ])('is refused with %s', (_name, url) => {
    expect(problem(url)).toEqual(expect.stringMatching(/^its (?:address|host) /))
  })

  it('is exactly what is asked for: its host is the one that is written', () => {
    const authority = fc.stringMatching(/^[a-z0-9.@:\\[\]%/_-]{1,24}$/)
    fc.assert(
      fc.property(authority, name => {
        const url = `https://${name}.example/c`
        if (problem(url) !== undefined) return
        expect(new URL(url).href).toBe(url)
        expect(/^https:\/\/([a-z0-9._-]+)\//.exec(url)?.[1]).toBe(new URL(url).host)
      }),
      { numRuns: 2_000 },
    )
  })

  it('has a path, which the address of a logo or of keys need not have', () => {
    expect(documentUrlProblem('https://a.example/', rules)).toBeUndefined()
    expect(documentUrlProblem('https://127.0.0.1/', rules)).toBeDefined()
  })
})

describe('R02 the lists of hosts', () => {
  const lists = (allowed: string[], denied: string[]) => ({ allowed, denied, private: [] })

  it.each([
    ['any, without a list', lists([], []), 'a.example', false],
    ['one that is listed', lists(['a.example'], []), 'a.example', false],
    ['one that is not', lists(['a.example'], []), 'b.example', true],
    ['one below', lists(['*.a.example'], []), 'x.y.a.example', false],
    ['not the one itself', lists(['*.a.example'], []), 'a.example', true],
    ['not one that ends alike', lists(['*.a.example'], []), 'evila.example', true],
    ['not one below without the star', lists(['a.example'], []), 'x.a.example', true],
    ['none that is denied', lists([], ['a.example']), 'a.example', true],
    ['none that is denied as well', lists(['*.a.example'], ['x.a.example']), 'x.a.example', true],
    ['none below one that is denied', lists([], ['*.a.example']), 'x.a.example', true],
  ])('accept %s', (_name, hosts, host, unwanted) => {
    expect(isUnwanted(host, hosts)).toBe(unwanted)
  })

  it('of our own network name hosts with their ports', () => {
    expect(isPrivate(new URL('https://intranet/x'), rules)).toBe(true)
    expect(isPrivate(new URL('https://intranet:1/x'), rules)).toBe(false)
    expect(isPrivate(new URL('https://tools.corp.example/x'), rules)).toBe(false)
  })
})

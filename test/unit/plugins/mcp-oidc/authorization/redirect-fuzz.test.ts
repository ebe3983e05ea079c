import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  redirectUriAllowed,
  redirectUriProblem,
  responseLocationProblem,
} from '../../../../../plugins/mcp-oidc/authorization/redirect-uri.ts'
import { client_registrations } from '../../../../support/client-registrations.ts'
import { sameAsRegistered, unsafe } from '../../../../support/redirect-oracle.ts'
import { registered_uris, tricks, trickedUri } from '../../../../support/redirect-tricks.ts'

const policies = [
  { issuer: 'https://gw.example', private_use_schemes: ['cursor'] },
  { issuer: 'http://localhost:8000', private_use_schemes: ['cursor'] },
]
const fixed = { seed: 20_260_728, numRuns: 20_000 }

describe.each(policies)('the redirect policy of $issuer against an attacker', policy => {
  it('R04 lets nobody register what a browser would take elsewhere', () => {
    let accepted = 0
    fc.assert(
      fc.property(trickedUri(registered_uris), uri => {
        if (redirectUriProblem(uri, policy) !== undefined) return
        accepted += 1
        expect({ uri, unsafe: unsafe(uri, policy) }).toEqual({ uri, unsafe: undefined })
      }),
      fixed,
    )
    expect(accepted).toBeGreaterThan(500)
  })

  it('R05 sends nobody to what was not registered, whatever trick is played on it', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...registered_uris), { minLength: 1, maxLength: 4 }),
        trickedUri(registered_uris),
        (registered, uri) => {
          if (!redirectUriAllowed(uri, registered, policy)) return
          accepted += 1
          expect({
            uri,
            same: sameAsRegistered(uri, registered),
            unsafe: unsafe(uri, policy),
          }).toEqual({ uri, same: true, unsafe: undefined })
        },
      ),
      fixed,
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('R05 sees through pairs where both sides were tampered with', () => {
    fc.assert(
      fc.property(trickedUri(registered_uris), trickedUri(registered_uris), (registered, uri) => {
        if (redirectUriAllowed(uri, [registered], policy))
          expect(sameAsRegistered(uri, [registered])).toBe(true)
      }),
      fixed,
    )
  })

  it('R05 accepts every loopback port, or clients could not be answered', () => {
    const loopback = registered_uris.filter(uri => uri.startsWith('http:'))
    fc.assert(
      fc.property(
        fc.constantFrom(...loopback),
        fc.integer({ min: 1024, max: 65_535 }),
        (uri, port) => {
          fc.pre(port !== 8000)
          const url = new URL(uri)
          url.port = String(port)
          expect(
            redirectUriAllowed(url.href, [url.pathname === '/' ? `${url.origin}/` : uri], policy),
          ).toBe(true)
        },
      ),
      fixed,
    )
  })
})

describe('the attacker of these tests', () => {
  it.each(Object.keys(tricks).filter(name => name !== 'nothing'))(
    'changes something by %s',
    name => {
      const changed = registered_uris.some(uri =>
        [...Array(40).keys()].some(n => tricks[name]?.(uri, n) !== uri),
      )
      expect(changed).toBe(true)
    },
  )

  it.each([
    ['https://user@app.example/cb', 'it names a user'],
    ['https://app.example\\@evil.example/', 'a browser makes'],
    ['//evil.example/cb', 'a browser makes'],
    ['https://app.example/%0d%0a', 'control character'],
    ['http://localhost.evil/cb', 'in the clear'],
    ['https://gw.example/cb', 'the gateway itself'],
    ['javascript:alert(1)', 'nobody may use'],
  ])('is judged by one who sees what is wrong with %s', (uri, why) => {
    expect(unsafe(uri, { issuer: 'https://gw.example', private_use_schemes: [] })).toContain(why)
  })

  it.each([
    ['http://localhost:1/cb/', 'http://localhost:2/cb'],
    ['https://app.example:1/cb', 'https://app.example:2/cb'],
    ['http://127.0.0.1:1/cb', 'http://localhost:1/cb'],
    ['http://127.1:1/cb', 'http://127.0.0.1:1/cb'],
  ])('is told that %s is not %s', (requested, registered) => {
    expect(sameAsRegistered(requested, [registered])).toBe(false)
  })
})

/** As they stand in the documents and issue trackers of the clients. */
const real_clients: readonly (readonly [client: string, registered: string, requested: string])[] =
  [
    [
      'claude.ai',
      'https://claude.ai/api/mcp/auth_callback',
      'https://claude.ai/api/mcp/auth_callback',
    ],
    [
      'claude.com',
      'https://claude.com/api/mcp/auth_callback',
      'https://claude.com/api/mcp/auth_callback',
    ],
    ['Claude Code by CIMD', 'http://localhost/callback', 'http://localhost:54321/callback'],
    ['Claude Code by CIMD', 'http://127.0.0.1/callback', 'http://127.0.0.1:54321/callback'],
    ['Claude Code by DCR', 'http://localhost:3118/callback', 'http://localhost:61000/callback'],
    [
      'ChatGPT',
      'https://chatgpt.com/connector/oauth/a1B2_c3',
      'https://chatgpt.com/connector/oauth/a1B2_c3',
    ],
    [
      'ChatGPT platform',
      'https://chatgpt.com/connector_platform_oauth_redirect',
      'https://chatgpt.com/connector_platform_oauth_redirect',
    ],
    ['Codex', 'http://127.0.0.1:1455/callback/x1', 'http://127.0.0.1:40001/callback/x1'],
    ['VS Code web', 'https://vscode.dev/redirect', 'https://vscode.dev/redirect'],
    [
      'VS Code Insiders',
      'https://insiders.vscode.dev/redirect',
      'https://insiders.vscode.dev/redirect',
    ],
    ['VS Code', 'http://127.0.0.1:33418/', 'http://127.0.0.1:50505/'],
    ['VS Code, written without a slash', 'http://127.0.0.1:33418', 'http://127.0.0.1:50505'],
    ['Copilot CLI', 'http://127.0.0.1:33418/', 'http://127.0.0.1:65535/'],
    ['Cursor on loopback', 'http://localhost:8787/callback', 'http://localhost:8787/callback'],
    [
      'Cursor by its scheme',
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    [
      'Cursor on the web',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
    ],
    ['Goose', 'http://127.0.0.1:49152/oauth_callback', 'http://127.0.0.1:49999/oauth_callback'],
    [
      'OpenCode',
      'http://127.0.0.1:19876/mcp/oauth/callback',
      'http://127.0.0.1:19876/mcp/oauth/callback',
    ],
    ['mcp-remote', 'http://localhost:3335/oauth/callback', 'http://localhost:49150/oauth/callback'],
    [
      'MCP Inspector',
      'http://127.0.0.1:6276/oauth/callback',
      'http://127.0.0.1:6277/oauth/callback',
    ],
  ]

describe('the redirect URIs of real clients', () => {
  const [policy] = policies as [(typeof policies)[0]]

  it.each(real_clients)('R04 R05 %s: %s, asked for as %s', (_client, registered, requested) => {
    expect(redirectUriProblem(registered, policy)).toBeUndefined()
    expect(redirectUriAllowed(requested, [registered], policy)).toBe(true)
  })

  it.each(client_registrations)(
    'R04 R05 $client, as it registers',
    ({ metadata, redirect_uri }) => {
      const { redirect_uris } = metadata as { redirect_uris: readonly string[] }
      expect(redirectUriAllowed(redirect_uri, redirect_uris, policy)).toBe(true)
    },
  )

  it.each(real_clients)('R05 %s is not answered at a neighbour of %s', (_client, registered) => {
    for (const requested of [
      `${registered}x`,
      `${registered}/..`,
      registered.replace('://', '://evil.'),
      `${registered}?code=x`,
    ])
      expect(redirectUriAllowed(requested, [registered], policy)).toBe(false)
  })
})

describe('where a browser leaves for', () => {
  const [policy] = policies as [(typeof policies)[0]]

  it('R04 is a redirect URI with the response added, for every client', () => {
    for (const { redirect_uri } of client_registrations) {
      const answer = new URL(redirect_uri)
      for (const [name, value] of [
        ['code', 'c'],
        ['state', 's'],
        ['iss', policy.issuer],
      ] as const)
        answer.searchParams.set(name, value)
      expect(responseLocationProblem(answer.href, policy)).toBeUndefined()
    }
  })

  it.each([
    'javascript:alert(1)?code=c',
    'http://app.example/cb?code=c',
    'https://gw.example/connect/x?code=c',
    'other://app/cb?code=c',
    '/connect/x',
    '//evil.example/?code=c',
  ])('R04 is never %s', location => {
    expect(responseLocationProblem(location, policy)).toEqual(expect.any(String))
  })
})

import { describe, expect, it } from '@jest/globals'
import { readGuards, runGuards } from './lua-guards.ts'
import type { GuardedRequest, Guards, Outcome } from './lua-guards.ts'

const client: [string, string] = ['Authorization', 'Bearer client']
const assertion: [string, string] = ['Authorization', 'Bearer assertion']
const user: [string, string] = ['X-User-Id', 'usr_alice']
const filler = Array.from({ length: 119 }, (_, n): [string, string] => [`X-Filler-${n}`, 'x'])
const refused = 'exit 503 application/json {"error":"temporarily_unavailable"}'

interface Case {
  readonly name: string
  readonly request: GuardedRequest
  readonly end: string
  /** The identity headers that may be left. */
  readonly identity?: readonly string[]
}

function spellings(name: string): string[] {
  const words = name.split('-').map(word => word.charAt(0).toUpperCase() + word.slice(1))
  const mixed = name.replace('-', '_')
  return [name, name.toUpperCase(), words.join('-'), words.join('_'), mixed, mixed.toUpperCase()]
}

const names = ['x-user-id', 'x-org-id', 'x-user-email', 'x-client-id', 'x-request-id', 'x-mcp-tool']
const forged = names.flatMap(spellings).map((name): [string, string] => [name, 'attacker'])

const cases: readonly Case[] = [
  ...forged.map(line => ({
    name: `G02 removes ${line[0]}`,
    request: { headers: [line, client], plugin: [assertion] },
    end: 'proxied',
  })),
  {
    name: 'G02 removes every spelling at once, each sent twice',
    request: { headers: [...forged, client, ...forged], plugin: [assertion] },
    end: 'proxied',
  },
  {
    name: 'G02 removes an identity header behind 119 others',
    request: { headers: [...filler, ['X_User_Id', 'attacker'], client], plugin: [assertion] },
    end: 'proxied',
  },
  {
    name: 'G02 leaves what the plugin sets',
    request: { headers: [['x-user-id', 'attacker'], client], plugin: [assertion, user] },
    end: 'proxied',
    identity: ['X-User-Id: usr_alice'],
  },
  {
    name: 'G02 keeps what the plugin sets from the reach of Connection',
    request: {
      headers: [client, ['connection', 'close, X-User-Id, authorization']],
      plugin: [assertion, user],
    },
    end: 'proxied',
    identity: ['X-User-Id: usr_alice'],
  },
  {
    name: 'G01 refuses a request without Authorization',
    request: { headers: [], plugin: [] },
    end: refused,
  },
  {
    name: 'G01 refuses a request that still carries the Authorization of its client',
    request: { headers: [client], plugin: [user] },
    end: refused,
    identity: ['X-User-Id: usr_alice'],
  },
  {
    name: 'G01 refuses a client token behind 119 headers',
    request: { headers: [...filler, client], plugin: [] },
    end: refused,
  },
  {
    name: 'G01 refuses a client token that looks like two values',
    request: { headers: [...filler, ['Authorization', 'Bearer a, Bearer b']], plugin: [] },
    end: refused,
  },
  {
    name: 'G01 refuses an Authorization that was emptied',
    request: { headers: [client], plugin: [['Authorization', '']] },
    end: refused,
  },
  {
    name: 'G01 refuses two Authorization headers',
    request: { headers: [client, ['authorization', 'Bearer other']], plugin: [] },
    end: refused,
  },
  {
    name: 'G01 passes an identity where the client sent no Authorization',
    request: { headers: [], plugin: [assertion] },
    end: 'proxied',
  },
  {
    name: 'G01 passes an identity behind 119 headers',
    request: { headers: filler, plugin: [assertion] },
    end: 'proxied',
  },
]

/** Names the cases that do not come out as they should. */
function violations(guards: Guards): string[] {
  const outcomes = runGuards(
    guards,
    cases.map(({ request }) => request),
  )
  return cases.filter((each, index) => !isAsExpected(each, outcomes[index])).map(each => each.name)
}

function isAsExpected({ end, identity = [] }: Case, outcome: Outcome | undefined): boolean {
  if (outcome?.end !== end || outcome.seen.length > 0) return false
  return leftIdentity(outcome).join() === identity.join()
}

function leftIdentity({ upstream }: Outcome): string[] {
  return upstream.filter(line => names.includes(canonical(line.split(':')[0] ?? '')))
}

const canonical = (name: string): string => name.toLowerCase().replaceAll('_', '-')

const guards = readGuards()

describe('the Lua snippets of config/kong.yml', () => {
  it.each(cases)('$name', each => {
    const [outcome] = runGuards(guards, [each.request])
    expect({
      end: outcome?.end,
      seen: outcome?.seen,
      identity: outcome && leftIdentity(outcome),
    }).toEqual({
      end: each.end,
      seen: [],
      identity: each.identity ?? [],
    })
  })

  it('G02 hold for one request after the other in the same worker', () => {
    expect(violations(guards)).toEqual([])
  })

  it('G01 refuses everything when pre-function is not there', () => {
    const request = { headers: [client], plugin: [assertion] }
    const [outcome] = runGuards({ ...guards, pre: undefined }, [request])
    expect(outcome?.end).toBe(refused)
  })
})

describe('the tests of the snippets notice', () => {
  const lines = (['rewrite', 'pre', 'post'] as const).flatMap(which =>
    (guards[which] ?? '').split('\n').flatMap((line, at) => {
      const code = line.trim()
      return code === '' || code.startsWith('--') ? [] : [{ which, at, code }]
    }),
  )

  it.each(lines)('G02 that $which-function has lost `$code`', ({ which, at }) => {
    const rest = (guards[which] ?? '').split('\n').filter((_, index) => index !== at)
    expect(isNoticed({ ...guards, [which]: rest.join('\n') })).toBe(true)
  })

  it.each([
    ['pre', 'get_headers(0, true)', 'get_headers(100, true)'],
    ['pre', ":gsub('_', '-')", ''],
    ['pre', 'name:lower()', 'name'],
    ['pre', "get_headers(0)['", "get_headers()['"],
    ['pre', " or ''", ''],
    ['post', "type(current) ~= 'string' or ", ''],
    ['post', "current == '' or ", ''],
    ['post', ' or current == client', ''],
    ['post', 'get_headers(0)', 'get_headers()'],
  ] as const)('G01 that %s-function has `%s` changed into `%s`', (which, from, to) => {
    const snippet = guards[which] ?? ''
    expect(snippet).toContain(from)
    expect(isNoticed({ ...guards, [which]: snippet.replace(from, to) })).toBe(true)
  })
})

/** By a case that comes out differently, or because the snippet does not even compile. */
function isNoticed(changed: Guards): boolean {
  try {
    return violations(changed).length > 0
  } catch (error) {
    return String(error).includes('luajit:')
  }
}

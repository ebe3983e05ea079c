import { describe, expect, it } from '@jest/globals'
import type { Expected } from '../../conformance/expected.ts'
import { authorizationProblems, problemsOf, type Runs, tableOf } from '../../conformance/report.ts'
import type { Finding } from '../../conformance/results.ts'

const wanted: Expected = {
  failures: { 'resources-subscribe': 'needs a session' },
  of_mcp_server: ['ping', 'tools-list'],
}
const failure: Finding = { id: 'x', status: 'FAILURE', message: 'y' }
const warning: Finding = { id: 'x', status: 'WARNING', message: 'y' }
const fixtures = new Map<string, readonly Finding[]>([
  ['ping', []],
  ['tools-list', []],
  ['tools-call-image', []],
  ['resources-subscribe', [failure]],
])
const good: Runs = { direct: fixtures, gateway: fixtures, mcp_server: fixtures }
const but = (scenario: string, findings: readonly Finding[]) =>
  new Map([...fixtures, [scenario, findings] as const])

describe('M03 the results of the conformance suite', () => {
  it('are good when all is as expected', () => {
    expect(problemsOf(good, wanted)).toEqual([])
    expect(tableOf(good, wanted)).toContain('| tools-call-image | pass | pass | — |  |')
    expect(tableOf(good, wanted)).toContain(
      '| resources-subscribe | fail | fail | — | needs a session |',
    )
  })

  it('are good when what is merely recommended is not met, with the gateway or without', () => {
    const runs = { direct: but('ping', [warning]), gateway: but('ping', [warning]) }
    expect(problemsOf({ ...good, ...runs }, wanted)).toEqual([])
  })

  it.each<[string, Partial<Runs>, string]>([
    ['fails through the gateway', { gateway: but('ping', [failure]) }, 'ping: not the same'],
    ['is warned of through the gateway', { gateway: but('ping', [warning]) }, 'ping: not the same'],
    [
      'fails in both ways',
      { direct: but('ping', [failure]), gateway: but('ping', [failure]) },
      'ping: x: y',
    ],
    ['was not run through the gateway', { gateway: new Map() }, 'was not run'],
    [
      'passes unexpectedly',
      { direct: but('resources-subscribe', []), gateway: but('resources-subscribe', []) },
      'resources-subscribe: passes, and is expected to fail',
    ],
    ['fails at mcp-server', { mcp_server: but('ping', [failure]) }, 'mcp-server, ping: x: y'],
  ])('are not when a scenario %s', (_name, runs, problem) => {
    expect(problemsOf({ ...good, ...runs }, wanted).join('\n')).toContain(problem)
  })

  it('of the authorization server are good only when all was run and nothing found', () => {
    expect(authorizationProblems(new Map([['grant', []]]))).toEqual([])
    for (const status of ['FAILURE', 'WARNING', 'SKIPPED'] as const)
      expect(authorizationProblems(new Map([['grant', [{ ...failure, status }]]]))).toEqual([
        'grant: x: y',
      ])
  })
})

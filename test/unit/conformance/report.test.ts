import { describe, expect, it } from '@jest/globals'
import { expected_failures, of_mcp_server } from '../../conformance/expected.ts'
import { problemsOf, type Runs, tableOf } from '../../conformance/report.ts'

const fixtures = new Map<string, readonly string[]>([
  ...of_mcp_server.map(scenario => [scenario, []] as const),
  ...Object.keys(expected_failures).map(scenario => [scenario, ['check: says why']] as const),
  ['tools-call-image', []],
])
const good: Runs = { direct: fixtures, gateway: fixtures, mcp_server: fixtures }
const but = (scenario: string, failures: readonly string[]) =>
  new Map([...fixtures, [scenario, failures] as const])

describe('M03 the results of the conformance suite', () => {
  it('are good when all is as expected', () => {
    expect(problemsOf(good)).toEqual([])
    expect(tableOf(good)).toContain('| tools-call-image | pass | pass | — |  |')
  })

  it.each<[string, Partial<Runs>, string]>([
    ['fails through the gateway', { gateway: but('ping', ['x: y']) }, 'ping: not the same'],
    [
      'fails in both ways',
      { direct: but('ping', ['x: y']), gateway: but('ping', ['x: y']) },
      'ping: x: y',
    ],
    ['was not run through the gateway', { gateway: new Map() }, 'was not run'],
    [
      'passes unexpectedly',
      { direct: but('resources-subscribe', []), gateway: but('resources-subscribe', []) },
      'resources-subscribe: passes, and is expected to fail',
    ],
    ['fails at mcp-server', { mcp_server: but('ping', ['x: y']) }, 'mcp-server, ping: x: y'],
  ])('are not when a scenario %s', (_name, runs, problem) => {
    expect(problemsOf({ ...good, ...runs }).join('\n')).toContain(problem)
  })
})

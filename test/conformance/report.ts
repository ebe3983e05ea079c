import { expected_failures, of_mcp_server } from './expected.ts'
import type { Results } from './run-suite.ts'

export interface Runs {
  /** The fixtures, asked directly. */
  readonly direct: Results
  /** The same through the gateway. */
  readonly gateway: Results
  /** Our own server through the gateway. */
  readonly mcp_server: Results
}

const passes = (results: Results, scenario: string) => results.get(scenario)?.length === 0

/** What is not as it must be, in words. */
export function problemsOf({ direct, gateway, mcp_server }: Runs): readonly string[] {
  const scenarios = [...new Set([...direct.keys(), ...gateway.keys()])]
  return [
    ...scenarios
      .filter(scenario => passes(direct, scenario) !== passes(gateway, scenario))
      .map(scenario => `${scenario}: not the same with the gateway: ${said(gateway, scenario)}`),
    ...scenarios
      .filter(scenario => passes(direct, scenario) === scenario in expected_failures)
      .map(scenario =>
        passes(direct, scenario)
          ? `${scenario}: passes, and is expected to fail`
          : `${scenario}: ${said(direct, scenario)}`,
      ),
    ...of_mcp_server
      .filter(scenario => !passes(mcp_server, scenario))
      .map(scenario => `mcp-server, ${scenario}: ${said(mcp_server, scenario)}`),
    ...Object.keys(expected_failures)
      .filter(scenario => !direct.has(scenario))
      .map(scenario => `${scenario}: the suite has no such scenario`),
  ]
}

const said = (results: Results, scenario: string) =>
  results.get(scenario)?.join('; ') ?? 'was not run'

/** A row for each scenario, in Markdown. */
export function tableOf({ direct, gateway, mcp_server }: Runs): string {
  const word = (results: Results, scenario: string) => (passes(results, scenario) ? 'pass' : 'fail')
  const rows = [...direct.keys()]
    .sort()
    .map(scenario => [
      scenario,
      word(direct, scenario),
      word(gateway, scenario),
      of_mcp_server.includes(scenario) ? word(mcp_server, scenario) : '—',
      expected_failures[scenario] ?? '',
    ])
  const heading = ['scenario', 'fixtures', 'through the gateway', 'mcp-server', 'why it fails']
  return [heading, heading.map(() => '---'), ...rows]
    .map(cells => `| ${cells.join(' | ')} |\n`)
    .join('')
}

import { type Expected, expected, type Revision, revisions } from './expected.ts'
import { agree, passes, type Results, said } from './results.ts'

export interface Runs {
  /** The fixtures, asked directly. */
  readonly direct: Results
  /** The same through the gateway. */
  readonly gateway: Results
  /** Our own server through the gateway. */
  readonly mcp_server: Results
}

/** What is not as it must be, in words. */
export function problemsOf(
  { direct, gateway, mcp_server }: Runs,
  { failures, of_mcp_server }: Expected,
): readonly string[] {
  const scenarios = [...new Set([...direct.keys(), ...gateway.keys()])]
  return [
    ...scenarios
      .filter(scenario => !agree(direct, gateway, scenario))
      .map(scenario => `${scenario}: not the same with the gateway: ${said(gateway, scenario)}`),
    ...scenarios
      .filter(scenario => passes(direct, scenario) === scenario in failures)
      .map(scenario =>
        passes(direct, scenario)
          ? `${scenario}: passes, and is expected to fail`
          : `${scenario}: ${said(direct, scenario)}`,
      ),
    ...of_mcp_server
      .filter(scenario => !passes(mcp_server, scenario))
      .map(scenario => `mcp-server, ${scenario}: ${said(mcp_server, scenario)}`),
    ...Object.keys(failures)
      .filter(scenario => !direct.has(scenario))
      .map(scenario => `${scenario}: the suite has no such scenario`),
  ]
}

/** What the authorization server does not meet, in words; a recommendation that it does not follow too. */
export function authorizationProblems(results: Results): readonly string[] {
  return [...results]
    .filter(([, findings]) => findings.length > 0)
    .map(([scenario]) => `${scenario}: ${said(results, scenario)}`)
}

export interface Report {
  readonly runs: Readonly<Record<Revision, Runs>>
  readonly authorization: Results
}

/** All that is not as it must be. */
export function allProblems({ runs, authorization }: Report): readonly string[] {
  return [
    ...revisions.flatMap(revision =>
      problemsOf(runs[revision], expected[revision]).map(problem => `${revision}, ${problem}`),
    ),
    ...authorizationProblems(authorization),
  ]
}

/** Tables in Markdown, each with its heading. */
export function tablesOf({ runs, authorization }: Report): string {
  const of_authorization = [...authorization.keys()]
    .sort()
    .map(scenario => [scenario, word(authorization, scenario)])
  return [
    ...revisions.map(
      revision => `## ${revision}\n\n${tableOf(runs[revision], expected[revision])}\n`,
    ),
    `## Authorization server\n\n${markdown([['scenario', 'result'], ...of_authorization])}`,
  ].join('')
}

/** A row for each scenario. */
export function tableOf(
  { direct, gateway, mcp_server }: Runs,
  { failures, of_mcp_server }: Expected,
): string {
  const rows = [...direct.keys()]
    .sort()
    .map(scenario => [
      scenario,
      word(direct, scenario),
      word(gateway, scenario),
      of_mcp_server.includes(scenario) ? word(mcp_server, scenario) : '—',
      failures[scenario] ?? '',
    ])
  const heading = ['scenario', 'fixtures', 'through the gateway', 'mcp-server', 'why it fails']
  return markdown([heading, ...rows])
}

const word = (results: Results, scenario: string) => (passes(results, scenario) ? 'pass' : 'fail')

function markdown([heading = [], ...rows]: readonly (readonly string[])[]): string {
  return [heading, heading.map(() => '---'), ...rows]
    .map(cells => `| ${cells.join(' | ')} |\n`)
    .join('')
}

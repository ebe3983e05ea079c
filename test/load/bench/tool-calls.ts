import autocannon from 'autocannon'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { parseSigningKeys } from '../../../plugins/mcp-oidc/config/signing-keys.ts'
import { signAssertion } from '../../../plugins/mcp-oidc/door/assertion.ts'
import { signInAs } from '../access-token.ts'
import type { LocalSystem } from '../local-system.ts'
import { mcp_headers, toolCall } from '../tool-request.ts'
import { inTurn, type Leg, median, ratioOf } from './rounds.ts'
import type { Section } from './write-up/section.ts'

export interface ToolCallOptions {
  readonly rounds: number
  /** Seconds of a run. */
  readonly seconds: number
  readonly report: (line: string) => void
  /** Another gateway than the local one, in front of the same keys, users and MCP server. */
  readonly url?: string | undefined
}

const connections = 16

/** `whoami` through a gateway, and at the MCP server itself with an assertion as the gateway makes it. */
export async function measureToolCalls(
  system: LocalSystem<Child>,
  { report, rounds, seconds, url }: ToolCallOptions,
): Promise<Section> {
  const gateway = url ?? system.url
  const { access_token, whoami } = await signInAs(gateway, 'alice@acme.example')
  const direct = async () => {
    const settings = {
      issuer: system.url,
      upstream_audience: 'mcp-server',
      assertion_ttl: 60,
      signing_keys: parseSigningKeys(JSON.stringify(system.keys.signing_keys)),
    }
    const identity = { ...whoami, roles: ['admin'], connection_id: 'benchmark' }
    return signAssertion(settings, identity, Date.now())
  }
  const leg = (name: string, origin: string, bearer: () => Promise<string>): Leg<number> => ({
    name,
    run: () => callsPerSecond(origin, bearer, seconds),
  })
  const legs = [
    leg('MCP server directly', system.mcp_server_url, direct),
    leg(url ? `through ${url}` : 'through the local gateway', gateway, () =>
      Promise.resolve(access_token),
    ),
  ]
  await inTurn(legs, 1, () => undefined)
  const [straight = [], through = []] = await inTurn(legs, rounds, report)
  return {
    title: 'An authenticated tool call, end to end',
    how:
      'whoami with 16 connections, each call in the audit trail before it is answered. Directly means with an identity ' +
      'assertion as the gateway signs it, since the MCP server runs nothing without one. Load, gateway, plugin server, ' +
      'MCP server and PostgreSQL share the processors.',
    rows: [
      ['way', 'calls/s', 'of the direct way'],
      [legs[0]?.name ?? '', Math.round(median(straight)), '1.00'],
      [legs[1]?.name ?? '', Math.round(median(through)), ratioOf(through, straight).toFixed(2)],
    ],
    goals: [],
    unmeasured: url
      ? []
      : [
          'The ratio behind a real Kong (goal: at least 0.75): the local gateway is a Node program in the place of nginx. ' +
            'Run `npm run bench -- --only tool-calls --url URL` against a Kong.',
        ],
    plots: [
      {
        name: 'tool-calls',
        title: 'Authenticated tool calls',
        unit: 'calls/s',
        bars: [straight, through].map((speeds, index) => {
          const value = Math.round(median(speeds))
          return { label: legs[index]?.name ?? '', value, text: String(value) }
        }),
      },
    ],
  }
}

async function callsPerSecond(
  origin: string,
  bearer: () => Promise<string>,
  seconds: number,
): Promise<number> {
  const headers = Object.fromEntries(
    Array.from({ length: mcp_headers.length / 2 }, (_, index) =>
      mcp_headers.slice(index * 2, index * 2 + 2),
    ),
  ) as Record<string, string>
  const result = await autocannon({
    url: `${origin.replace('localhost', '127.0.0.1')}/mcp`,
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${await bearer()}` },
    body: toolCall('whoami'),
    connections,
    duration: seconds,
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} calls were refused and ${result.errors} failed`)
  return result['2xx'] / result.duration
}

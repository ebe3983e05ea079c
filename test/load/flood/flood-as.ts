import autocannon from 'autocannon'
import type { SignedIn } from '../access-token.ts'
import { mcp_headers, toolCall } from '../tool-request.ts'

export interface Flood {
  readonly requests: number
  /** How many answers there were of each status. */
  readonly statuses: ReadonlyMap<number, number>
  /** Requests without an answer. */
  readonly unanswered: number
}

export interface FloodOptions {
  readonly url: string
  readonly person: SignedIn
  readonly connections: number
  /** Requests a second; 0 for as many as get through. */
  readonly rate: number
  /** Seconds. */
  readonly seconds: number
}

/** One person calls a tool much too often, from a thread of its own: what is measured is not slowed. */
export async function floodAs(options: FloodOptions): Promise<Flood> {
  const { connections, person, rate, seconds, url } = options
  const headers = Object.fromEntries(
    Array.from({ length: mcp_headers.length / 2 }, (_, index) =>
      mcp_headers.slice(index * 2, index * 2 + 2),
    ),
  ) as Record<string, string>
  const result = await autocannon({
    // Not localhost, which may be ::1: the gateway counts addresses.
    url: `${url.replace('localhost', '127.0.0.1')}/mcp`,
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${person.access_token}` },
    body: toolCall('whoami'),
    connections,
    ...(rate > 0 && { overallRate: rate }),
    duration: seconds,
    workers: 1,
  })
  // @types/autocannon does not know this member.
  const { statusCodeStats } = result as unknown as {
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>
  }
  const counts = Object.entries(statusCodeStats).map(
    ([status, { count }]) => [Number(status), count] as const,
  )
  return {
    requests: result.requests.total,
    statuses: new Map(counts),
    unanswered: result.errors + result.timeouts,
  }
}

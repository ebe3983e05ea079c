import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SignedIn } from '../access-token.ts'
import { mcp_headers, toolCall } from '../tool-request.ts'
import type { FloodTold, FloodWork } from './flood-thread.ts'

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
  /**
   * autocannon sends what a connection may send in a second all at once. True has all connections do
   * so at the same moment; otherwise their moments are spread over the second.
   */
  readonly together: boolean
}

/** One person calls a tool much too often, from a thread of its own: what is measured is not slowed. */
export async function floodAs(options: FloodOptions): Promise<Flood> {
  const { connections, person, rate, seconds, together, url } = options
  const headers = Object.fromEntries(
    Array.from({ length: mcp_headers.length / 2 }, (_, index) =>
      mcp_headers.slice(index * 2, index * 2 + 2),
    ),
  ) as Record<string, string>
  const each = Math.max(1, Math.round(rate / connections))
  const spread = Array.from({ length: connections }, (_, index) => ({
    after_ms: (index * 1000) / connections,
    connections: 1,
    rate: each,
  }))
  const workerData: FloodWork = {
    // Not localhost, which may be ::1: the gateway counts addresses.
    url: `${url.replace('localhost', '127.0.0.1')}/mcp`,
    headers: { ...headers, authorization: `Bearer ${person.access_token}` },
    body: toolCall('whoami'),
    seconds,
    legs: together || rate === 0 ? [{ after_ms: 0, connections, rate }] : spread,
  }
  const thread = new Worker(new URL('flood-thread.ts', import.meta.url), { workerData })
  const [told] = (await once(thread, 'message')) as [readonly FloodTold[]]
  const statuses = new Map<number, number>()
  for (const [status, count] of told.flatMap(leg => leg.statuses))
    statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + count)
  const sum = (of: (leg: FloodTold) => number) => told.reduce((total, leg) => total + of(leg), 0)
  return {
    requests: sum(leg => leg.requests),
    statuses,
    unanswered: sum(leg => leg.unanswered),
  }
}

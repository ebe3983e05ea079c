import { parentPort, workerData } from 'node:worker_threads'
import autocannon from 'autocannon'

/** What the thread is to do: all legs, each from its own moment on. */
export interface FloodWork {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Seconds. */
  readonly seconds: number
  readonly legs: readonly {
    readonly after_ms: number
    readonly connections: number
    /** Requests a second; 0 for as many as get through. */
    readonly rate: number
  }[]
}

/** What the thread tells of each leg. */
export interface FloodTold {
  readonly requests: number
  readonly statuses: readonly (readonly [string, number])[]
  readonly unanswered: number
}

const { body, headers, legs, seconds, url } = workerData as FloodWork

async function flood({ after_ms, connections, rate }: FloodWork['legs'][number]) {
  await new Promise(resolve => setTimeout(resolve, after_ms))
  const result = await autocannon({
    ...{ url, method: 'POST', headers, body, connections, duration: seconds },
    ...(rate > 0 && { overallRate: rate }),
  })
  // @types/autocannon does not know this member.
  const { statusCodeStats } = result as unknown as {
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>
  }
  const told: FloodTold = {
    requests: result.requests.total,
    statuses: Object.entries(statusCodeStats).map(([status, { count }]) => [status, count]),
    unanswered: result.errors + result.timeouts,
  }
  return told
}

parentPort?.postMessage(await Promise.all(legs.map(flood)))

import { LRUCache } from 'lru-cache'
import { DocumentError } from './document-error.ts'

export interface FetchBudgetOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Fetches from one host within a minute. */
  readonly per_host: number
  /** Fetches at the same moment, from all hosts together. */
  readonly at_once: number
}

/** Rejects with DocumentError what is beyond the budget; else does the work. */
export type FetchBudget = <T>(hostname: string, work: () => Promise<T>) => Promise<T>

const a_minute = 60_000
const most_hosts = 10_000

/** Strangers choose whom we ask: what any host hears of us is bounded. */
export function createFetchBudget({ now, per_host, at_once }: FetchBudgetOptions): FetchBudget {
  const hosts = new LRUCache<string, { since: number; fetches: number }>({ max: most_hosts })
  let under_way = 0
  return async (hostname, work) => {
    let spent = hosts.get(hostname)
    if (!spent || now() - spent.since >= a_minute) {
      spent = { since: now(), fetches: 0 }
      hosts.set(hostname, spent)
    }
    if (spent.fetches >= per_host || under_way >= at_once)
      throw new DocumentError('too many such documents are being asked for at the moment', {
        transient: true,
      })
    spent.fetches += 1
    under_way += 1
    try {
      return await work()
    } finally {
      under_way -= 1
    }
  }
}

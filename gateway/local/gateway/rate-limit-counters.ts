import { RateLimiterMemory } from 'rate-limiter-flexible'

/** A counter that a request goes into. */
export interface CountedWindow {
  readonly key: string
  readonly limit: number
  /** Seconds until it may be forgotten. */
  readonly lifetime: number
}

/** Where requests are counted. */
export interface Counters {
  /** Counts one request in every window; gives how many each had before. */
  count(windows: readonly CountedWindow[]): Promise<readonly number[]>
}

/** Seconds; a timer of Node's reaches no further. Longer windows start again then. */
const LONGEST = 24 * 86_400

/** Kong's `policy: local`: counters of this process. What is refused is not counted. */
export function createMemoryCounters(): Counters {
  const limiter = new RateLimiterMemory({ keyPrefix: '', points: 1, duration: 1 })
  return {
    async count(windows) {
      const results = await Promise.all(
        windows.map(({ key, lifetime }) =>
          limiter.penalty(key, 1, { customDuration: Math.min(lifetime, LONGEST) }),
        ),
      )
      const used = results.map(({ consumedPoints }) => consumedPoints - 1)
      if (windows.some(({ limit }, index) => limit - (used[index] ?? 0) <= 0)) {
        await Promise.all(windows.map(({ key }) => limiter.reward(key)))
      }
      return used
    },
  }
}

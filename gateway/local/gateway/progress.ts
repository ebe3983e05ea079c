import type { HeaderLines } from './header-lines.ts'

/**
 * What became of an exchange so far, written down as it happens and read when it is over. Moments
 * are milliseconds of a monotonic clock.
 */
export interface Progress {
  /** Milliseconds since 1970. */
  readonly started_at: number
  readonly started: number
  /** The request went upstream. */
  proxied?: number
  /** The upstream's headers were there. */
  answered?: number
  /** Our headers were there. */
  responded?: number
  response_headers?: HeaderLines
  /** Path and query that the upstream was asked for. */
  upstream_uri?: string
  upstream_status?: number
}

/** `now`: milliseconds since 1970. */
export function begin(now: () => number): Progress {
  return { started_at: now(), started: performance.now() }
}

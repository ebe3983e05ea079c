import { PERIODS, windowStart } from './rate-limit-windows.ts'
import type { Period } from './rate-limit-windows.ts'

/** One limit and how many requests came in its window before this one. */
export interface Usage {
  readonly period: Period
  readonly limit: number
  readonly used: number
}

export interface Verdict {
  readonly exceeded: boolean
  /** In Kong's words; those of the RateLimit draft are about the window that is nearest its end. */
  readonly headers: Readonly<Record<string, string>>
}

/** Judges a request as Kong's rate-limiting does. `now`: milliseconds since 1970. */
export function judge(usages: readonly Usage[], now: number): Verdict {
  const stop = usages.findLast(({ limit, used }) => limit - used <= 0)?.period
  const windows = usages.map(({ period, limit, used }) => {
    const counted = stop === undefined || stop === period ? 1 : 0
    return { period, limit, remaining: Math.max(0, limit - used - counted) }
  })
  const headers = windows.flatMap(({ period, limit, remaining }) => {
    const name = period.charAt(0).toUpperCase() + period.slice(1)
    return [
      [`X-RateLimit-Limit-${name}`, String(limit)],
      [`X-RateLimit-Remaining-${name}`, String(remaining)],
    ]
  })
  const [nearest] = windows.toSorted(
    (left, right) =>
      left.remaining - right.remaining || PERIODS[right.period] - PERIODS[left.period],
  )
  if (nearest) {
    const { limit, period, remaining } = nearest
    const passed = Math.floor((now - windowStart(period, now)) / 1000)
    const reset = String(Math.max(1, PERIODS[period] - passed))
    headers.push(['RateLimit-Limit', String(limit)], ['RateLimit-Remaining', String(remaining)])
    headers.push(['RateLimit-Reset', reset])
    if (stop !== undefined) headers.push(['Retry-After', reset])
  }
  return {
    exceeded: stop !== undefined,
    headers: Object.fromEntries(headers) as Record<string, string>,
  }
}

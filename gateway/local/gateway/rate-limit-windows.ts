/** Kong's periods and the seconds it takes each to last: a month is always thirty days. */
export const PERIODS = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  month: 2_592_000,
  year: 31_536_000,
} as const
export type Period = keyof typeof PERIODS
export const period_names = Object.keys(PERIODS) as readonly Period[]

/** When the calendar window around `now` began, UTC, milliseconds. */
export function windowStart(period: Period, now: number): number {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  switch (period) {
    case 'second':
      return Math.floor(now / 1000) * 1000
    case 'minute':
      return Math.floor(now / 60_000) * 60_000
    case 'hour':
      return Math.floor(now / 3_600_000) * 3_600_000
    case 'day':
      return Date.UTC(year, month, day)
    case 'month':
      return Date.UTC(year, month)
    case 'year':
      return Date.UTC(year, 0)
  }
}

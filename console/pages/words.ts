const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'UTC' })

/** `3 Dec 2026`, in UTC. */
export const day = (at: Date): string => date.format(at)

/** `3 Dec 2026, 14:05 UTC`. */
export const day_and_minute = (at: Date): string => `${date.format(at)}, ${time.format(at)} UTC`

export const iso = (at: Date): string => at.toISOString()

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** Seconds in words, exactly: `30 days`, `1 hour 30 minutes`. */
export function duration(seconds: number): string {
  let left = Math.round(seconds)
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`)
  }
  return parts.join(' ') || 'none'
}

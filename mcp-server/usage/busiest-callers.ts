/** How many calls each caller made in the last minutes, without a name for anybody who asks. */
export interface Callers {
  called(id: string): void
  /** Calls of each caller within the window, the fewest first. */
  counts(): readonly number[]
}

export interface CallersOptions {
  /** Milliseconds. */
  readonly clock: () => number
  /** Milliseconds; in steps of a fifth of it. */
  readonly window?: number
  /** Callers that are counted within one step; further ones are not, and memory stays bounded. */
  readonly most?: number
}

const steps = 5

/** Counts callers over five minutes unless told: what is unusual is seen beside what others do. */
export function countCallers({ clock, window = 300_000, most = 10_000 }: CallersOptions): Callers {
  const length = window / steps
  const buckets = new Map<number, Map<string, number>>()

  function current(): number {
    const step = Math.floor(clock() / length)
    for (const old of buckets.keys()) if (old <= step - steps) buckets.delete(old)
    return step
  }

  return {
    called(id) {
      const step = current()
      const bucket = buckets.get(step) ?? new Map<string, number>()
      buckets.set(step, bucket)
      const calls = bucket.get(id)
      if (calls !== undefined || bucket.size < most) bucket.set(id, (calls ?? 0) + 1)
    },
    counts() {
      current()
      const sums = new Map<string, number>()
      for (const bucket of buckets.values())
        for (const [id, calls] of bucket) sums.set(id, (sums.get(id) ?? 0) + calls)
      return [...sums.values()].sort((a, b) => a - b)
    },
  }
}

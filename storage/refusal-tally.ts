import type { AccessEvent, AuditEvent, RateLimitEvent } from './audit-event.ts'

/** A refusal of nobody known. */
export type Refusal = AccessEvent | RateLimitEvent

/**
 * Refusals of nobody known, which anybody can cause by the thousand: counted by the minute, what was
 * refused and address, in place of a row for each.
 */
export interface RefusalTally {
  /** Counts one. */
  count(refusal: Refusal): void
  /** True for the first of its kind in a minute, which is the caller's to record; others are counted. */
  isFirst(refusal: Refusal): boolean
  /** Records the counts of the minutes that are over. Never rejects: what fails is tried again. */
  flush(): Promise<void>
  /** Records every count there is. */
  close(): Promise<void>
}

export interface RefusalTallyOptions {
  readonly record: (event: AuditEvent) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Hears of what could not be recorded, and of how many refusals that are lost for good. */
  readonly failed: (error: unknown, lost: number) => void
  /** Kinds that are told apart at the same time; 1,000 unless told, of about 1 kB each. */
  readonly most_kinds?: number
  /** Milliseconds between two looks at what is over; 5,000 unless told. */
  readonly interval?: number
}

interface Counted {
  readonly refusal: Refusal
  readonly minute: number
  count: number
}

const a_minute = 60_000

/**
 * Beyond `most_kinds`, what comes is told apart by type and code only; those get as much room again,
 * and when the trail has been away for so long that it is used up, refusals are lost, and said to be.
 */
export function createRefusalTally({
  record,
  now,
  failed,
  most_kinds = 1_000,
  interval = 5_000,
}: RefusalTallyOptions): RefusalTally {
  const counted = new Map<string, Counted>()
  let lost = 0
  let work = Promise.resolve()

  /** The count of its kind in this minute; undefined when there is no room for it. */
  function find(
    refusal: Refusal,
  ): { readonly entry: Counted; readonly is_new: boolean } | undefined {
    const minute = Math.floor(now() / a_minute)
    const full = counted.size >= most_kinds
    for (const told of full ? [plain(refusal), coarse(refusal)] : [plain(refusal)]) {
      const key = JSON.stringify([minute, told])
      const known = counted.get(key)
      if (known) return { entry: known, is_new: false }
    }
    if (counted.size >= 2 * most_kinds) return undefined
    const told = full ? coarse(refusal) : plain(refusal)
    const entry = { refusal: told, minute, count: 0 }
    counted.set(JSON.stringify([minute, told]), entry)
    return { entry, is_new: !full }
  }

  function add(refusal: Refusal, first_is_recorded: boolean): boolean {
    const found = find(refusal)
    if (!found) lost += 1
    else if (found.is_new && first_is_recorded) return true
    else found.entry.count += 1
    return false
  }

  async function recordBefore(minute: number): Promise<void> {
    const over = [...counted].filter(([, entry]) => entry.minute < minute)
    for (const [key] of over) counted.delete(key)
    const waiting = over.map(async ([key, entry]) => {
      if (entry.count === 0) return
      const at = new Date(entry.minute * a_minute)
      try {
        await record({ ...entry.refusal, at, count: entry.count })
      } catch (error) {
        if (counted.size < 2 * most_kinds) counted.set(key, entry)
        else lost += entry.count
        return { error }
      }
      return undefined
    })
    const failures = (await Promise.all(waiting)).flatMap(failure => failure ?? [])
    if (failures.length === 0 && lost === 0) return
    failed(failures[0]?.error, lost)
    lost = 0
  }

  // One after the other: a count that is being written is not written by another round too.
  const flushBefore = (minute: () => number) => {
    work = work.then(() => recordBefore(minute()))
    return work
  }
  const flush = () => flushBefore(() => Math.floor(now() / a_minute))
  const timer = setInterval(() => void flush(), interval)
  timer.unref()

  return {
    count: refusal => void add(refusal, false),
    isFirst: refusal => add(refusal, true),
    flush,
    close() {
      clearInterval(timer)
      return flushBefore(() => Infinity)
    },
  }
}

const of_one_alone: ReadonlySet<string> = new Set(['request_id', 'duration_ms', 'at', 'count'])

/** What one has in common with others of its kind. */
function plain(refusal: Refusal): Refusal {
  // What is taken out may be missing in every refusal.
  return Object.fromEntries(
    Object.entries(refusal).filter(([name]) => !of_one_alone.has(name)),
  ) as unknown as Refusal
}

/** What is left to tell when there are too many kinds. */
function coarse(refusal: Refusal): Refusal {
  const { error_code } = refusal
  const kind = {
    ...(error_code === undefined ? {} : { error_code }),
    reason: 'of more kinds than are told apart',
  }
  if (refusal.type !== 'rate_limit')
    return { type: refusal.type, outcome: refusal.outcome, ...kind }
  return { type: 'rate_limit', outcome: 'refused', limited_by: refusal.limited_by, ...kind }
}

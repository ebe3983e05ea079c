import { setImmediate } from 'node:timers/promises'

/** Asked of the database together with what others ask, and answered by itself. */
export interface Asked<Item, Answer> {
  readonly item: Item
  readonly answer: (answer: Answer | Promise<Answer>) => void
  readonly fail: (error: unknown) => void
}

export interface GatherOptions<Item, Answer> {
  /**
   * Answers each of them. When it rejects, whoever was not answered fails, and so does everybody who
   * waits: they are told at once, not after a wait of their own.
   */
  readonly work: (batch: readonly Asked<Item, Answer>[]) => Promise<void>
  /** Of one batch. */
  readonly most_at_once: number
  /** That may wait, those being worked on included; one more fails. */
  readonly most_waiting: number
  /** The error of one more. */
  readonly tooMany: (waiting: number) => Error
}

export interface Gathering<Item, Answer> {
  /** Rejects with what it failed with. */
  ask(item: Item): Promise<Answer>
  /** How many have no answer yet. */
  waiting(): number
  /** Who has waited longest. */
  oldest(): Item | undefined
  /** Resolves when nobody waits. */
  idle(): Promise<void>
}

/**
 * While one batch is being worked on, what others ask gathers, and goes with the next: concurrent
 * callers so share a statement and its wait for the disk, and a lone one waits for nobody. `work` must
 * answer or fail everybody, or reject.
 */
export function gather<Item, Answer>({
  work,
  most_at_once,
  most_waiting,
  tooMany,
}: GatherOptions<Item, Answer>): Gathering<Item, Answer> {
  const waiting: Asked<Item, Answer>[] = []
  let batch: readonly Asked<Item, Answer>[] = []
  let working: Promise<void> | undefined

  async function workOff(): Promise<void> {
    while (waiting.length > 0) {
      // What else this turn of the event loop brings goes along: nobody waits for it.
      await setImmediate()
      batch = waiting.splice(0, most_at_once)
      try {
        await work(batch)
      } catch (error) {
        for (const { fail } of [...batch, ...waiting.splice(0)]) fail(error)
      }
      batch = []
    }
    working = undefined
  }

  const count = () => waiting.length + batch.length
  return {
    ask(item) {
      if (count() >= most_waiting) return Promise.reject(tooMany(count()))
      return new Promise((answer, fail) => {
        waiting.push({ item, answer, fail })
        working ??= workOff()
      })
    },
    waiting: count,
    oldest: () => (batch[0] ?? waiting[0])?.item,
    async idle() {
      await working
    },
  }
}

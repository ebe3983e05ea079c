import { setTimeout as pause } from 'node:timers/promises'

/** By Kong's names; times are seconds. */
export interface QueueSettings {
  readonly max_batch_size: number
  readonly max_coalescing_delay: number
  readonly max_entries: number
  readonly max_retry_time: number
  readonly initial_retry_delay: number
  readonly max_retry_delay: number
}

export interface BatchQueue<T> {
  /** Never waits. When the queue is full, its oldest entry makes room. */
  push(entry: T): void
  /** Sends what is left, once and without waiting, and resolves when nothing is under way. */
  close(): Promise<void>
}

/** Kong's queue of a plugin: entries leave in batches and in order, a failed batch is tried again. */
export function createBatchQueue<T>(
  settings: QueueSettings,
  send: (batch: readonly T[]) => Promise<void>,
  onLoss: (reason: string, entries: number) => void,
): BatchQueue<T> {
  const entries: T[] = []
  const closing = new AbortController()
  let working: Promise<void> | undefined
  let filled: (() => void) | undefined

  const rest = (seconds: number): Promise<unknown> =>
    // Cut short by `close`: that is no failure.
    pause(seconds * 1000, undefined, { signal: closing.signal }).catch(() => undefined)

  const coalesce = async (): Promise<void> => {
    const { max_batch_size, max_coalescing_delay } = settings
    if (max_batch_size === 1 || entries.length >= max_batch_size) return
    await Promise.race([
      rest(max_coalescing_delay),
      new Promise<void>(resolve => (filled = resolve)),
    ])
  }
  const deliver = async (batch: readonly T[]): Promise<void> => {
    const deadline = performance.now() + settings.max_retry_time * 1000
    for (
      let delay = settings.initial_retry_delay;
      ;
      delay = Math.min(delay * 2, settings.max_retry_delay)
    ) {
      try {
        return await send(batch)
      } catch (error) {
        const ending = closing.signal.aborted
        if (ending || performance.now() + delay * 1000 > deadline) {
          const left = ending ? entries.splice(0).length : 0
          onLoss(describe(error), batch.length + left)
          return
        }
      }
      await rest(delay)
    }
  }
  const work = async (): Promise<void> => {
    while (entries.length > 0) {
      await coalesce()
      await deliver(entries.splice(0, settings.max_batch_size))
    }
    working = undefined
  }
  return {
    push(entry) {
      if (entries.length >= settings.max_entries) {
        entries.shift()
        onLoss('the queue is full', 1)
      }
      entries.push(entry)
      if (entries.length >= settings.max_batch_size) filled?.()
      working ??= work()
    },
    async close() {
      closing.abort()
      await working
    },
  }
}

/** The reason of a failed `fetch` is behind the error. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

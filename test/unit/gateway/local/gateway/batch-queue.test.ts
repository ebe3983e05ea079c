import { describe, expect, it } from '@jest/globals'
import { createBatchQueue } from '../../../../../gateway/local/gateway/batch-queue.ts'

const settings = {
  max_batch_size: 2,
  max_coalescing_delay: 3600,
  max_entries: 4,
  max_retry_time: 60,
  initial_retry_delay: 0.001,
  max_retry_delay: 0.001,
}

/** A queue whose batches are collected; `fail` says how many attempts go wrong first. */
function collect(given: Partial<typeof settings> = {}, fail = 0) {
  const sent: (readonly number[])[] = []
  const lost: [string, number][] = []
  let attempts = 0
  const { promise: delivered, resolve } = Promise.withResolvers<undefined>()
  const send = (batch: readonly number[]) => {
    attempts += 1
    if (attempts <= fail) return Promise.reject(new Error('down'))
    sent.push(batch)
    resolve(undefined)
    return Promise.resolve()
  }
  const queue = createBatchQueue<number>({ ...settings, ...given }, send, (reason, entries) => {
    lost.push([reason, entries])
    resolve(undefined)
  })
  const push = (entry: number) => queue.push(entry)
  return { push, close: () => queue.close(), sent, lost, delivered, attempts: () => attempts }
}

describe('a queue', () => {
  it('sends as soon as a batch is full, and what is left when it closes', async () => {
    const { close, delivered, push, sent } = collect()
    for (const entry of [1, 2, 3]) push(entry)
    await delivered
    expect(sent).toEqual([[1, 2]])
    await close()
    expect(sent).toEqual([[1, 2], [3]])
  })

  it('sends a lonely entry after the delay', async () => {
    const { close, delivered, push, sent } = collect({ max_coalescing_delay: 0.001 })
    push(1)
    await delivered
    expect(sent).toEqual([[1]])
    await close()
  })

  it('tries again until it works', async () => {
    const { attempts, close, delivered, lost, push, sent } = collect({ max_batch_size: 1 }, 3)
    push(1)
    await delivered
    expect([sent, lost, attempts()]).toEqual([[[1]], [], 4])
    await close()
  })

  it('gives a batch up when its time is over, and goes on with the next', async () => {
    const { close, delivered, lost, push, sent } = collect(
      { max_batch_size: 1, max_retry_time: -1 },
      1,
    )
    push(1)
    push(2)
    await delivered
    await close()
    expect([sent, lost]).toEqual([[[2]], [['down', 1]]])
  })

  it('is bounded: the oldest make room', async () => {
    const { close, lost, push, sent } = collect({ max_batch_size: 10, max_entries: 2 })
    for (const entry of [1, 2, 3, 4]) push(entry)
    await close()
    expect([sent, lost]).toEqual([
      [[3, 4]],
      [
        ['the queue is full', 1],
        ['the queue is full', 1],
      ],
    ])
  })

  it('does not insist while it closes', async () => {
    const { attempts, close, lost, push } = collect({}, Infinity)
    for (const entry of [1, 2, 3]) push(entry)
    await close()
    expect(attempts()).toBe(1)
    expect(lost).toEqual([['down', 3]])
  })
})

import { describe, expect, it } from '@jest/globals'
import { type Asked, gather } from '../../../storage/gather.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

interface Batch {
  readonly items: readonly number[]
  /** Answers one of them, by its place. */
  answer(place: number): void
  /** Answers all of them. */
  end(): void
  break(error: Error): void
}

/** Batches are answered one by one, by hand. */
function gatherByHand({ most_at_once = 4, most_waiting = 10 } = {}) {
  const batches: Batch[] = []
  const gathering = gather<number, string>({
    ...{ most_at_once, most_waiting },
    tooMany: waiting => new Error(`${waiting} wait`),
    work(batch: readonly Asked<number, string>[]) {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>()
      batches.push({
        items: batch.map(({ item }) => item),
        answer: place => batch[place]?.answer(`of ${batch[place].item}`),
        break: reject,
        end() {
          for (const { answer, item } of batch) answer(`of ${item}`)
          resolve(undefined)
        },
      })
      return promise
    },
  })
  const nth = async (n: number) => {
    for (;;) {
      const batch = batches[n]
      if (batch) return batch
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { batches, gathering, nth }
}

describe('what is asked together', () => {
  it('is asked in its order, in batches of at most so many, one after the other', async () => {
    const { batches, gathering, nth } = gatherByHand()
    const answers = Promise.all(numbers(9).map(n => gathering.ask(n)))
    for (const [n, items] of [[0, 1, 2, 3], [4, 5, 6, 7], [8]].entries()) {
      const batch = await nth(n)
      expect(batch.items).toEqual(items)
      expect([batches.length, gathering.oldest()]).toEqual([n + 1, items[0]])
      batch.end()
    }
    expect(await answers).toEqual(numbers(9).map(n => `of ${n}`))
    await gathering.idle()
    expect([batches.length, gathering.waiting(), gathering.oldest()]).toEqual([3, 0, undefined])
  })

  it('never goes with a batch that is on its way, though it is the same', async () => {
    const { gathering, nth } = gatherByHand()
    const first = gathering.ask(1)
    const batch = await nth(0)
    const second = gathering.ask(1)
    batch.end()
    expect(await first).toBe('of 1')
    ;(await nth(1)).end()
    expect(await second).toBe('of 1')
  })

  it('fails with the batch, as do those who wait, and what is asked afterwards is asked', async () => {
    const { gathering, nth } = gatherByHand()
    const asked = Promise.allSettled(numbers(6).map(n => gathering.ask(n)))
    ;(await nth(0)).break(new Error('away'))
    for (const result of await asked)
      expect(result).toEqual({ status: 'rejected', reason: new Error('away') })
    expect(gathering.waiting()).toBe(0)
    const later = gathering.ask(7)
    ;(await nth(1)).end()
    expect(await later).toBe('of 7')
  })

  it('keeps an answer that was given before the batch failed', async () => {
    const { gathering, nth } = gatherByHand()
    const asked = [gathering.ask(1), gathering.ask(2)]
    const batch = await nth(0)
    batch.answer(0)
    batch.break(new Error('away'))
    expect(await asked[0]).toBe('of 1')
    await expect(asked[1]).rejects.toThrow('away')
  })

  it('is asked too when it is asked by who has just been answered', async () => {
    const { gathering, nth } = gatherByHand()
    const chain = (async () => {
      for (const n of numbers(5)) await gathering.ask(n)
    })()
    for (const n of numbers(5)) {
      const batch = await nth(n)
      expect(batch.items).toEqual([n])
      batch.end()
    }
    await chain
  })

  it('K05 is refused when too many wait, those on their way included', async () => {
    const { gathering, nth } = gatherByHand({ most_waiting: 5 })
    const asked = numbers(5).map(n => gathering.ask(n))
    const batch = await nth(0)
    await expect(gathering.ask(5)).rejects.toThrow('5 wait')
    batch.end()
    const second = await nth(1)
    const next = gathering.ask(6)
    second.end()
    ;(await nth(2)).end()
    expect(await Promise.all([...asked, next])).toHaveLength(6)
  })
})

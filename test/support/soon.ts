import { expect } from '@jest/globals'

/** Milliseconds in which every replica has to hear of an end (requirement T07). */
const in_time = 5_000

/** Asks until it is so, and fails with what it was instead when that takes too long. */
export async function expectSoon<T>(ask: () => Promise<T>, expected: T): Promise<void> {
  const began = performance.now()
  for (;;) {
    const is = await ask()
    if (Object.is(is, expected)) return
    if (performance.now() - began > in_time) return expect(is).toBe(expected)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

import { describe, expect, it } from '@jest/globals'
import { rememberFor } from '../../../../plugins/mcp-oidc/remember.ts'

describe('K04 a costly question', () => {
  it('is asked once at a time and once in a while', async () => {
    let [now, asked] = [0, 0]
    const ask = rememberFor(
      10,
      () => now,
      () => Promise.resolve((asked += 1)),
    )
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
    now = 9
    expect(await ask()).toBe(1)
    now = 10
    expect(await ask()).toBe(2)
  })
})

import { describe, expect, it } from '@jest/globals'
import { countCallers } from '../../../../mcp-server/usage/busiest-callers.ts'

function at(window: number, most?: number) {
  let now = 0
  const callers = countCallers({
    clock: () => now,
    window,
    ...(most === undefined ? {} : { most }),
  })
  return { callers, to: (time: number) => (now = time) }
}

describe('the calls of callers', () => {
  it('O02 are counted for each, the fewest first', () => {
    const { callers } = at(500)
    for (const id of ['a', 'b', 'b', 'b', 'c', 'c']) callers.called(id)
    expect(callers.counts()).toEqual([1, 2, 3])
  })

  it('are forgotten after the window, step by step', () => {
    const { callers, to } = at(500)
    callers.called('a')
    to(250)
    callers.called('a')
    to(499)
    expect(callers.counts()).toEqual([2])
    to(500)
    expect(callers.counts()).toEqual([1])
    to(700)
    expect(callers.counts()).toEqual([])
  })

  it('G09 are those of a bounded number of callers, however many come', () => {
    const { callers } = at(500, 3)
    for (let n = 0; n < 100; n += 1) callers.called(`caller-${n}`)
    callers.called('caller-0')
    expect(callers.counts()).toEqual([1, 1, 2])
  })

  it('are none before anybody called', () => {
    expect(at(500).callers.counts()).toEqual([])
  })
})

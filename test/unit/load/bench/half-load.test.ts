import { describe, expect, it } from '@jest/globals'
import { halfLoadSection, type Turns } from '../../../load/bench/half-load.ts'
import type { Paced } from '../../../load/bench/paced-load.ts'
import { processorsOf } from '../../../load/bench/pin.ts'

const paced = (duration: number, late: number): Paced => ({ durations: [duration], late: [late] })
const turns = (added: number, late = 0.1): Turns => ({
  floor: paced(0.2, late),
  warm: paced(0.2 + added, 0.1),
})
const arranged = { apart: true, first: true }

describe('half load', () => {
  it('gives what validation adds, of the turns in which the load was in time', () => {
    const found = [
      [turns(0.4), turns(9, 3)],
      [turns(0.4), turns(9, 3)],
    ]
    const { goals, how, unmeasured } = halfLoadSection(5000, arranged, found)
    expect(goals).toMatchObject([{ measured: '0.40', met: true }])
    expect(how).toContain('2 of 4 did, and the table is of them')
    expect(unmeasured).toEqual([])
  })

  it('does not leave slow requests out: only the load is asked whether a turn counts', () => {
    const { goals } = halfLoadSection(5000, arranged, [[turns(9)], [turns(9)], [turns(0.1, 3)]])
    expect(goals).toMatchObject([{ measured: '9.00', met: false }])
  })

  it.each([
    ['in most turns', [[turns(0.4), turns(0.4, 3), turns(0.4, 3), turns(0.4, 3), turns(0.4, 3)]]],
    ['in most rounds', [[turns(0.4)], [turns(0.4, 3)], [turns(0.4, 3)]]],
    ['always', [[turns(0.4, 3)]]],
  ])('says nothing of the goal when the load was late %s', (_, found) => {
    const { goals, how, unmeasured } = halfLoadSection(5000, arranged, found)
    expect(goals).toEqual([])
    expect(how).toContain('which are too few: the table is of all')
    expect(unmeasured).toEqual([expect.stringContaining('goal: at most 1 ms')])
  })

  it('says when load and servers share the processors', () => {
    const { how } = halfLoadSection(5000, { apart: false, first: true }, [[turns(0.4)]])
    expect(how).toContain('share the processors')
  })
})

it('reads a list of processors as Linux writes it', () => {
  expect(processorsOf('0-2,5,7-8')).toEqual([0, 1, 2, 5, 7, 8])
  expect(processorsOf('3')).toEqual([3])
  expect(processorsOf('')).toEqual([])
})

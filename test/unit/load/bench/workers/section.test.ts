import { describe, expect, it } from '@jest/globals'
import { freeSection, heldSection, type WorkerRun } from '../../../../load/bench/workers/section.ts'

const workers = [1, 2]
const run = (requests_per_second: number, busy: number, load = 0.4): WorkerRun => ({
  requests_per_second,
  busy,
  load,
})
const used_up = [
  [run(1500, 0.15), run(1000, 0.15)],
  [run(2900, 0.3), run(1900, 0.3)],
]

describe('workers that are held to a share', () => {
  it('compares the rounds, not the medians', () => {
    const { goals, plots, rows, unmeasured } = heldSection(0.15, { workers, runs: used_up })
    expect(rows[2]).toEqual(['2 workers', 1900, '1.90', '1.00', '0.40'])
    expect(goals).toEqual([
      { what: 'two workers, of one', goal: 'at least 1.7', measured: '1.90', met: true },
    ])
    expect(unmeasured).toEqual([])
    expect(plots?.[0]?.bars.map(({ value }) => value)).toEqual([1000, 1900])
  })

  it('judges nothing when the load was the limit', () => {
    const runs = used_up.map(rounds => rounds.map(found => ({ ...found, load: 0.95 })))
    const { goals, unmeasured } = heldSection(0.15, { workers, runs })
    expect(goals).toEqual([])
    expect(unmeasured).toEqual([expect.stringContaining('the load itself took nearly')])
  })

  it('judges nothing when the workers had more than they used', () => {
    const runs = [[run(1500, 0.15)], [run(1600, 0.16)]]
    const { goals, unmeasured } = heldSection(0.15, { workers, runs })
    expect(goals).toEqual([])
    expect(unmeasured).toEqual([expect.stringContaining('did not use up what they had')])
  })

  it('shows no figure without one, and why', () => {
    const section = heldSection(0.15, { workers, runs: { not_measured: 'it takes root' } })
    expect(section).toMatchObject({ rows: [], goals: [] })
    expect(section.plots).toBeUndefined()
    expect(section.unmeasured).toEqual(['Whether two workers reach 1.7 times one: it takes root.'])
  })
})

describe('workers as they are', () => {
  it('misses the goal when two do not reach it', () => {
    const runs = [[run(10_000, 0.9)], [run(12_000, 1.1)]]
    expect(freeSection(8, { workers, runs }).goals).toMatchObject([
      { met: false, measured: '1.20' },
    ])
  })

  it('judges nothing when the load was the limit', () => {
    const runs = [[run(10_000, 0.9)], [run(12_000, 1.1, 0.99)]]
    const { goals, unmeasured } = freeSection(8, { workers, runs })
    expect(goals).toEqual([])
    expect(unmeasured).toEqual([expect.stringContaining('is the limit on these 8 processors')])
  })
})

import { expect, it } from '@jest/globals'
import { revocationSection } from '../../../load/bench/revocation.ts'

const options = { connections: 2, cut: 1, replicas: 1 }

it('judges the p99 while they listen and the longest while they do not', () => {
  const lags = { listening: [3, 120], cut_off: [4_800] }
  const { goals, plots, rows, unmeasured } = revocationSection(options, lags)
  expect(rows.slice(1)).toEqual([
    ['while they listen', 2, '3.0', '120', '120'],
    ['while they are cut off', 1, '4800', '4800', '4800'],
  ])
  expect(goals.map(({ met }) => met)).toEqual([false, true])
  expect(unmeasured).toEqual([])
  expect(plots?.[0]?.bars.map(({ value }) => value)).toEqual([3, 120])
})

it('does not pass over a token that was let in without end', () => {
  const { goals, plots, rows, unmeasured } = revocationSection(options, {
    listening: [3, 4],
    cut_off: [Infinity],
  })
  expect(rows[2]).toEqual(['while they are cut off', 1, 'over 20000', 'over 20000', 'over 20000'])
  expect({ goals, plots }).toEqual({ goals: [], plots: [] })
  expect(unmeasured).toEqual([expect.stringContaining('The goals are missed.')])
})

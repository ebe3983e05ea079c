import { expect, it } from '@jest/globals'
import { atLeast, atMost, figure, type Section } from '../../../../load/bench/write-up/section.ts'
import { toMarkdown, toText } from '../../../../load/bench/write-up/write-up.ts'

const section: Section = {
  title: 'Workers',
  how: 'Warm validation.',
  rows: [
    ['workers', 'requests/s'],
    ['1 worker', 1500],
  ],
  goals: [atLeast('two workers, of one', 1.7, 1.93), atMost('p99, ms', 1, 1.004)],
  unmeasured: ['Four workers: there are two processors.'],
  plots: [
    {
      name: 'w',
      title: 'Requests',
      unit: '1/s',
      bars: [{ label: 'one', value: 1500, text: '1500' }],
    },
  ],
}

it('judges a goal by the figure itself, not by what is shown of it', () => {
  expect(section.goals.map(({ met }) => met)).toEqual([true, false])
  expect(section.goals.map(({ measured }) => measured)).toEqual(['1.93', '1.00'])
})

it.each([NaN, Infinity])('judges no goal by %d, which is not measured', value => {
  expect(() => atMost('p99, ms', 1, value)).toThrow('there is no figure of p99, ms')
  expect(() => atLeast('p99, ms', 1, value)).toThrow(RangeError)
  expect(figure(value, 2)).toBe('not measured')
})

it('is Markdown with its table, its plots in words, its goals and what is missing', () => {
  expect(toMarkdown(section, 'performance')).toBe(`### Workers

Warm validation.

| workers | requests/s |
| --- | --- |
| 1 worker | 1500 |

![Requests. In 1/s. one: 1500.](performance/w.svg)

- Met: two workers, of one: 1.93 (goal: at least 1.7).
- **Missed**: p99, ms: 1.00 (goal: at most 1).
- Not measured: Four workers: there are two processors.
`)
})

it('has no table and no plot when nothing was measured', () => {
  const nothing: Section = { ...section, rows: [], goals: [], plots: [] }
  expect(toMarkdown(nothing, 'performance')).toBe(
    '### Workers\n\nWarm validation.\n\n- Not measured: Four workers: there are two processors.\n',
  )
  expect(toText(nothing)).not.toMatch(/\d/)
})

import { describe, expect, it } from '@jest/globals'
import { connectionsSection } from '../../../../load/bench/growth/connections-section.ts'
import { organizationsSection } from '../../../../load/bench/growth/organizations-section.ts'

const sizes = [1_000, 1_000_000]
const organizations = (connections: number) => connections / 100

describe('growth of connections', () => {
  const work = [
    {
      what: 'look-up',
      judged: true,
      times: [
        [[1], [2], [3]],
        [[1.5], [2.2], [3.3]],
      ],
    },
    { what: 'refresh', judged: false, times: [[[4]], [[40]]] },
  ]
  const section = connectionsSection(sizes, organizations, work, ['10,000,000 connections.'])

  it('compares the largest with the smallest, round by round', () => {
    expect(section.title).toBe('From 1,000 connections to 1,000,000')
    expect(section.how).toContain('audit trail of 10 and 10,000 organizations')
    expect(section.rows.slice(1)).toEqual([
      ['look-up', '2.00', '2.20', '1.10', '3.00', '3.30'],
      ['refresh', '4.00', '40.00', '10.00', '4.00', '40.00'],
    ])
  })

  it('judges what the goal is about, and draws it', () => {
    expect(section.goals).toEqual([
      {
        what: 'look-up, at 1,000,000 of at 1,000',
        goal: 'at most 1.2',
        measured: '1.10',
        met: true,
      },
    ])
    expect(section.plots?.map(({ bars }) => bars)).toEqual([
      [
        { label: '1,000', value: 2, text: '2.00' },
        { label: '1,000,000', value: 2.2, text: '2.20' },
      ],
    ])
  })

  it('judges nothing with fewer connections than the goal is about', () => {
    expect(connectionsSection([1_000, 10_000], organizations, work, []).goals).toEqual([])
  })

  it('says what was left out', () => {
    expect(section.unmeasured).toEqual(['10,000,000 connections.'])
  })

  it('makes no figure of a round in which nothing was measured', () => {
    const none = [{ what: 'look-up', judged: true, times: [[[]], [[]]] }]
    expect(() => connectionsSection(sizes, organizations, none, [])).toThrow('no percentile')
  })
})

describe('growth of organizations', () => {
  const few = { organizations: 10, starts: [30], requests_per_second: [1000], resident: 2e8 }
  const many = { organizations: 10_000, starts: [400], requests_per_second: [800], resident: NaN }

  it('compares time, not speed, and shows no memory that nobody told', () => {
    const { goals, rows } = organizationsSection([few, many])
    expect(rows.slice(1)).toEqual([
      ['10', 1000, '1.00', '200', '30'],
      ['10,000', 800, '0.80', 'not measured', '400'],
    ])
    expect(goals).toMatchObject([{ measured: '1.25', met: false }])
  })
})

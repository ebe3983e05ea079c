import { describe, expect, it } from '@jest/globals'
import { drawnDays, usageOf } from '../../../../console/audit/usage.ts'
import { daysChart, shareBar } from '../../../../console/audit/usage-chart.ts'

const nothing = { days: new Map(), tools: new Map(), other_tools: { tools: 0, counts: {} } }
const at = (text: string) => new Date(text)

/** Rectangles of a chart, in the order in which they are drawn. */
const rects = (svg: string) =>
  [...svg.matchAll(/<rect ([^>]*)\/>/g)].map(([, attributes = '']) => ({
    y: Number(/\by="([\d.]+)"/.exec(attributes)?.[1]),
    height: Number(/height="([\d.]+)"/.exec(attributes)?.[1]),
    x: Number(/\bx="([\d.]+)%"/.exec(attributes)?.[1]),
    width: Number(/width="([\d.]+)%"/.exec(attributes)?.[1]),
    end: /(?:mark|fill)-(ok|error|refused)/.exec(attributes)?.[1],
  }))

describe('drawnDays', () => {
  it.each([
    ['2026-11-01T12:00Z', '2026-11-03T00:00Z', '2026-11-01T12:00Z', false],
    ['2026-08-28T00:00Z', '2026-11-28T00:00Z', '2026-08-28T00:00Z', false],
    ['2026-08-27T23:59Z', '2026-11-28T00:00Z', '2026-08-28T00:00Z', true],
    ['2025-11-27T00:00Z', '2026-11-27T13:00Z', '2026-08-28T00:00Z', true],
  ])('C02 of %s to %s those from %s are drawn', (since, until, first, cut) => {
    const drawn = drawnDays(at(since), at(until))
    expect(drawn).toEqual({ since: at(first), until: at(until), cut })
    expect(usageOf(nothing, drawn.since, drawn.until).days.length).toBeLessThanOrEqual(92)
  })
})

describe('usageOf', () => {
  it('C02 has every day of the time, and sums', () => {
    const days = new Map([['2026-11-02', { ok: 3, refused: 1 }]])
    const tools = new Map([['whoami', { ok: 2 }]])
    const counts = { days, tools, other_tools: { tools: 2, counts: { ok: 1, refused: 1 } } }
    const usage = usageOf(counts, at('2026-11-01T23:00Z'), at('2026-11-03T00:00:01Z'))
    expect(usage.days.map(({ day, total }) => [day, total])).toEqual([
      ['2026-11-01', 0],
      ['2026-11-02', 4],
      ['2026-11-03', 0],
    ])
    expect(usage.total).toBe(4)
    expect(usage.counts).toEqual({ ok: 3, error: 0, refused: 1 })
    expect(usage.tools).toEqual([
      { tool: 'whoami', total: 2, counts: { ok: 2, error: 0, refused: 0 } },
    ])
    expect(usage.other_tools?.tools).toBe(2)
    expect(usageOf(nothing, at('2026-11-01'), at('2026-11-02')).other_tools).toBeUndefined()
  })
})

describe('daysChart', () => {
  const days = (...all: [number, number, number][]) =>
    all.map(([ok, error, refused], n) => ({
      day: `2026-11-0${n + 1}`,
      counts: { ok, error, refused },
      total: ok + error + refused,
    }))

  it('C02 stacks what was refused on what failed on what went well, to scale', () => {
    const drawn = rects(daysChart(days([50, 0, 0], [50, 25, 25]), 'tool calls'))
    expect(drawn.map(({ end }) => end)).toEqual(['ok', 'ok', 'error', 'refused'])
    const [alone, ok, error, refused] = drawn
    expect([alone?.height, ok?.height, error?.height, refused?.height]).toEqual([
      75, 75, 37.5, 37.5,
    ])
    expect(ok?.y).toBe((error?.y ?? NaN) + 37.5)
    expect(error?.y).toBe((refused?.y ?? NaN) + 37.5)
    expect(refused?.y).toBe(16)
    expect(alone && alone.x + alone.width).toBeLessThan(ok?.x ?? 0)
  })

  it('C02 lets a single refusal be seen among a million calls, and nothing where nothing was', () => {
    const drawn = rects(daysChart(days([999_999, 0, 1], [0, 0, 0]), 'tool calls'))
    expect(drawn.map(({ end, height }) => [end, height >= 3])).toEqual([
      ['ok', true],
      ['refused', true],
    ])
  })

  it('C02 says in words what it shows', () => {
    const svg = daysChart(days([1, 0, 0], [1_200, 3, 0]), 'tool calls')
    expect(svg).toContain('role="img"')
    expect(svg).toContain(
      'aria-label="1,204 tool calls in 2 days, most of them on 2 November 2026: 1,203. The table',
    )
    expect(svg).toContain('<title>2 November 2026: 1,200 OK, 3 failed</title>')
    expect(svg).not.toMatch(/style=|NaN|Infinity|undefined/)
  })

  it.each([1, 2, 31, 92])('C02 fits a phone with %i days: five labels at the most', many => {
    const all = Array.from({ length: many }, (_, n) => ({
      day: new Date(Date.UTC(2026, 8, 1 + n)).toISOString().slice(0, 10),
      counts: { ok: n, error: 0, refused: 0 },
      total: n,
    }))
    const svg = daysChart(all, 'tool calls')
    const labels = [...svg.matchAll(/text-anchor="(\w+)"[^>]*>([^<]+)</g)]
    expect(labels.length).toBeLessThanOrEqual(5)
    expect(labels[0]?.slice(1)).toEqual(['start', '1 Sept'])
    for (const { x, width } of rects(svg)) expect(x + width).toBeLessThanOrEqual(100)
  })
})

describe('shareBar', () => {
  it('C02 is as long as its share', () => {
    const counts = { ok: 30, error: 0, refused: 20 }
    expect(rects(shareBar({ counts, total: 50 }, 100))).toMatchObject([
      { x: 0, width: 30, end: 'ok' },
      { x: 30, width: 20, end: 'refused' },
    ])
  })
})

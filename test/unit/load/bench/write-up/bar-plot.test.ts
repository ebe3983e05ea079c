import { describe, expect, it } from '@jest/globals'
import { type BarPlot, describeBars, drawBars } from '../../../../load/bench/write-up/bar-plot.ts'

const plot: BarPlot = {
  name: 'workers',
  title: 'Requests a second',
  unit: 'requests/s',
  bars: [
    { label: '1 worker', value: 1500, text: '1500' },
    { label: '2 workers', value: 3000, text: '3000' },
    { label: '4 workers', value: 375, text: '375' },
  ],
}
const all = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, found]) => found)
const widths = (svg: string) => all(svg, /<rect [^>]*width="([\d.]+)"/g).map(Number)

describe('a plot', () => {
  it('holds the figures it was given, in their order, as text', () => {
    const svg = drawBars(plot)
    expect(all(svg, /<text class="figure"[^>]*>([^<]*)</g)).toEqual(['1500', '3000', '375'])
    expect(all(svg, /text-anchor="end">([^<]*)</g)).toEqual(['1 worker', '2 workers', '4 workers'])
  })

  it('has bars as long as the figures are large', () => {
    const [one = NaN, two = NaN, four = NaN] = widths(drawBars(plot))
    expect(one / two).toBeCloseTo(0.5, 2)
    expect(four / two).toBeCloseTo(0.125, 2)
    expect(two).toBeLessThan(720)
  })

  it('keeps bars and figures within its edges', () => {
    const long = [{ label: 'l'.repeat(40), value: 7, text: '7.00 ms, at last' }]
    const svg = drawBars({ ...plot, bars: long })
    const [end] = all(svg, /<text class="figure" x="([\d.]+)"/g).map(Number)
    expect(Number(end) + 16 * 7.4).toBeLessThanOrEqual(720)
    expect(Math.min(...widths(svg))).toBeGreaterThan(0)
  })

  it('draws the goal where it lies among the bars, also beyond all of them', () => {
    const svg = drawBars({ ...plot, goal: { text: '6000', value: 6000 } })
    const [left = NaN] = all(svg, /<rect [^>]* x="([\d.]+)"/g).map(Number)
    const [x = NaN] = all(svg, /<line class="goal" x1="([\d.]+)"/g).map(Number)
    const [, two = NaN] = widths(svg)
    expect((x - left) / two).toBeCloseTo(2, 1)
    expect(x).toBeLessThan(720)
    expect(svg).toContain('>goal: 6000</text>')
  })

  it('says the same in words, for whoever does not see it', () => {
    const words = 'In requests/s. 1 worker: 1500; 2 workers: 3000; 4 workers: 375.'
    expect(describeBars(plot)).toBe(words)
    const svg = drawBars(plot)
    expect(svg).toContain('role="img" aria-labelledby="title description"')
    expect(svg).toContain('<title id="title">Requests a second</title>')
    expect(svg).toContain(`<desc id="description">${words}</desc>`)
  })

  it('has colours for light and for dark', () => {
    expect(drawBars(plot)).toContain('@media (prefers-color-scheme: dark)')
  })

  it('writes what stands in a label as text', () => {
    const svg = drawBars({ ...plot, title: 'a < b', bars: [{ label: '<&"', value: 1, text: '1' }] })
    expect(svg).toContain('&lt;&amp;&quot;</text>')
    expect(svg).toContain('a &lt; b')
  })

  it.each([NaN, Infinity, -1])('draws nothing that was not measured: %d', value => {
    const bars = [...plot.bars, { label: 'cold', value, text: String(value) }]
    expect(() => drawBars({ ...plot, bars })).toThrow('“Requests a second” has a figure')
  })

  it('draws nothing without a figure', () => {
    expect(() => drawBars({ ...plot, bars: [] })).toThrow(RangeError)
    expect(() => drawBars({ ...plot, bars: [{ label: '', value: 0, text: '' }] })).toThrow(
      RangeError,
    )
  })
})

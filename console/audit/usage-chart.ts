import { type Counted, type DayUsage, ends } from './usage.ts'

/*
 * Charts as SVG without a view box: what lies along is in percent and what stands is in pixels, so they fill
 * any width and their texts keep their size. Colours are those of the stylesheet; what failed or was
 * refused is hatched too, for whoever does not tell the colours apart.
 */

const height = 150
/** Room above the plot for the text of its highest line, and below it for the days. */
const above = 16
const below = 22
/** A count that is not zero is seen, however small it is beside the others; pixels. */
const least = 3
const most_labels = 5

const number = new Intl.NumberFormat('en-GB')
const short_day = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', timeZone: 'UTC' },
})
const long_day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

/** Fills for the marks of all charts of a page: to stand once on it, before them. */
export const chart_fills = `<svg class="chart-fills" aria-hidden="true" width="0" height="0"><defs>${[
  ['error', 'M-1 1l2-2M0 6l6-6M5 7l2-2'],
  ['refused', 'M3 0v6'],
]
  .map(
    ([end, path]) =>
      `<pattern id="fill-${end}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="mark-${end}"/><path d="${path}" class="mark-line"/></pattern>`,
  )
  .join('')}</defs></svg>`

/** A swatch of a legend. */
export const swatch = (end: (typeof ends)[number]): string =>
  `<svg aria-hidden="true" width="14" height="14">${mark(end, 'width="14" height="14"')}</svg>`

/**
 * A bar a day, what was refused on top of what failed on top of what went well. `what` is what is
 * counted, in the plural. Who does not see it is told what it shows as a whole; the table beside it has the rest.
 */
export function daysChart(days: readonly DayUsage[], what: string): string {
  const top = roundUp(Math.max(1, ...days.map(({ total }) => total)))
  const lines = (top % 2 === 0 ? [top, top / 2, 0] : [top, 0]).map(value => {
    const y = above + height - (value / top) * height
    const text =
      value < top
        ? ''
        : `<text x="0" y="${y - 4}" class="chart-text">${number.format(value)}</text>`
    return `<line x1="0" x2="100%" y1="${y}" y2="${y}" class="chart-line"/>${text}`
  })
  const step = 100 / Math.max(1, days.length)
  const bars = days.map(({ day, counts, total }, n) => {
    if (total === 0) return ''
    let y = above + height
    const parts = ends.map(end => {
      if (counts[end] === 0) return ''
      const tall = Math.max(least, (counts[end] / top) * height)
      y -= tall
      const place = `x="${percent(n * step + step * 0.1)}" width="${percent(step * 0.8)}" y="${y.toFixed(1)}" height="${tall.toFixed(1)}"`
      return mark(end, place)
    })
    const title = `${long_day.format(new Date(day))}: ${inWords(counts)}`
    return `<g><title>${title}</title>${parts.join('')}</g>`
  })
  return `<svg class="chart" role="img" aria-label="${summary(days, what)}" width="100%" height="${above + height + below}">${lines.join('')}${bars.join('')}${labels(days).join('')}</svg>`
}

/** The bar of one row of a table, as long as its share of `most`. The row says the numbers. */
export function shareBar({ counts }: Counted, most: number): string {
  let x = 0
  const parts = ends.map(end => {
    const wide = most === 0 ? 0 : (counts[end] / most) * 100
    const place = `x="${percent(x)}" width="${percent(wide)}" height="14"`
    x += wide
    return counts[end] === 0 ? '' : mark(end, place)
  })
  return `<svg class="chart-share" aria-hidden="true" width="100%" height="14">${parts.join('')}</svg>`
}

function mark(end: (typeof ends)[number], place: string): string {
  const fill = end === 'ok' ? 'class="mark-ok"' : `fill="url(#fill-${end})"`
  return `<rect ${place} ${fill}/>`
}

function labels(days: readonly DayUsage[]): string[] {
  const every = Math.ceil(days.length / most_labels)
  return days.flatMap(({ day }, n) => {
    if (n % every !== 0) return []
    const text = short_day.format(new Date(day))
    // A text in the middle of its bar would stick out of the first and of the last.
    const [x, anchor] =
      n === 0
        ? ['0', 'start']
        : n === days.length - 1
          ? ['100%', 'end']
          : [percent(((n + 0.5) * 100) / days.length), 'middle']
    return [
      `<text x="${x}" y="${above + height + 16}" text-anchor="${anchor}" class="chart-text">${text}</text>`,
    ]
  })
}

function summary(days: readonly DayUsage[], what: string): string {
  const total = days.reduce((so_far, day) => so_far + day.total, 0)
  const most = days.reduce<DayUsage | undefined>(
    (best, day) => (day.total > (best?.total ?? 0) ? day : best),
    undefined,
  )
  const peak = most
    ? `, most of them on ${long_day.format(new Date(most.day))}: ${number.format(most.total)}`
    : ''
  return `${number.format(total)} ${what} in ${number.format(days.length)} days${peak}. The table after the chart has every day.`
}

const inWords = ({ ok, error, refused }: Counted['counts']): string =>
  [
    [ok, 'OK'],
    [error, 'failed'],
    [refused, 'refused'],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, word]) => `${number.format(Number(count))} ${word}`)
    .join(', ')

/** The next of 1, 2, 4, 6, 8, 10, 20, 40, … */
function roundUp(value: number): number {
  const size = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 6, 8, 10].map(each => each * size).find(each => each >= value) ?? value
}

const percent = (value: number): string => `${Number(value.toFixed(3))}%`

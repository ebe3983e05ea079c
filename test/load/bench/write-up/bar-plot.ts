/** Figures of one kind, drawn as bars beside each other. */
export interface BarPlot {
  /** Of its file in docs/performance, without `.svg`. */
  readonly name: string
  readonly title: string
  /** What the bars are lengths of: `requests/s`. */
  readonly unit: string
  readonly bars: readonly Bar[]
  /** Drawn as a line across the bars. */
  readonly goal?: { readonly text: string; readonly value: number }
}

export interface Bar {
  readonly label: string
  readonly value: number
  /** The figure as the table beside it says it. */
  readonly text: string
}

const width = 720
const row = 30
const bar_height = 18
const top = 40
/** Of a letter at 13 pixels, as wide as it may be. */
const letter = 7.4

// Whoever shows the file as an image has no style sheet for it: it brings one for light and one for dark.
const style = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600 }
    .bar { fill: #2f6fb2 }
    .axis { stroke: #59636e; stroke-width: 1 }
    .goal { stroke: #a04100; stroke-width: 2; stroke-dasharray: 4 3 }
    text.goal-text { fill: #a04100 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .bar { fill: #6cb0f5 }
      .axis { stroke: #9198a1 }
      .goal { stroke: #f0a35e }
      text.goal-text { fill: #f0a35e }
    }
  `

/**
 * An SVG file of it, on a ground that shows through. Throws when a figure is none: what was not measured is
 * not drawn.
 */
export function drawBars({ bars, goal, title, unit }: BarPlot): string {
  const values = [...bars.map(({ value }) => value), ...(goal ? [goal.value] : [])]
  const most = Math.max(...values)
  if (bars.length === 0 || !(most > 0) || values.some(value => !(value >= 0 && value < Infinity)))
    throw new RangeError(`“${title}” has a figure that was not measured`)
  const widest = (texts: readonly string[]) =>
    Math.ceil(Math.max(...texts.map(({ length }) => length)) * letter)
  const left = widest(bars.map(({ label }) => label)) + 12
  const scale = (width - left - widest(bars.map(({ text }) => text)) - 16) / most
  const length = (value: number) => (value * scale).toFixed(1)
  const bottom = top + bars.length * row
  const height = bottom + (goal ? 26 : 10)
  const drawn = bars.map(({ label, text, value }, index) => {
    const y = top + index * row
    const base = y + bar_height / 2 + 5
    return (
      `  <text x="${left - 8}" y="${base}" text-anchor="end">${escaped(label)}</text>\n` +
      `  <rect class="bar" x="${left}" y="${y}" width="${length(value)}" height="${bar_height}" rx="2"/>\n` +
      `  <text class="figure" x="${(left + Number(length(value)) + 6).toFixed(1)}" y="${base}">${escaped(text)}</text>\n`
    )
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">\n` +
    `  <title id="title">${escaped(title)}</title>\n` +
    `  <desc id="description">${escaped(describeBars({ bars, unit, ...(goal ? { goal } : {}) }))}</desc>\n` +
    `  <style>${style}</style>\n` +
    `  <text class="title" x="8" y="20">${escaped(`${title}, ${unit}`)}</text>\n` +
    drawn.join('') +
    `  <line class="axis" x1="${left}" y1="${top - 6}" x2="${left}" y2="${bottom - 4}"/>\n` +
    (goal ? drawGoal(left + Number(length(goal.value)), bottom, goal.text) : '') +
    `</svg>\n`
  )
}

/** The same in words, for whoever does not see it. */
export function describeBars({
  bars,
  goal,
  unit,
}: Pick<BarPlot, 'bars' | 'goal' | 'unit'>): string {
  const figures = bars.map(({ label, text }) => `${label}: ${text}`).join('; ')
  return `In ${unit}. ${figures}.${goal ? ` The goal is ${goal.text}.` : ''}`
}

function drawGoal(x: number, bottom: number, text: string): string {
  const near_the_end = x > width - text.length * letter
  return (
    `  <line class="goal" x1="${x.toFixed(1)}" y1="${top - 6}" x2="${x.toFixed(1)}" y2="${bottom}"/>\n` +
    `  <text class="goal-text" x="${x.toFixed(1)}" y="${bottom + 15}" text-anchor="${near_the_end ? 'end' : 'middle'}">goal: ${escaped(text)}</text>\n`
  )
}

const escaped = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

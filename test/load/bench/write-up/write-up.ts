import { cpus, totalmem } from 'node:os'
import { table } from '../../table.ts'
import { describeBars } from './bar-plot.ts'
import type { Section } from './section.ts'

/** The machine and versions that figures belong to. */
export function machine(): string {
  const [first] = cpus()
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(0)
  return `${cpus().length} processors (${first?.model.trim() ?? 'unknown'}), ${gigabytes} GB, ${process.platform} ${process.arch}, Node ${process.version}`
}

export function toText({ goals, how, rows, title, unmeasured }: Section): string {
  const lines = goals.map(
    ({ goal, measured, met, what }) => `${met ? 'Met' : 'MISSED'}: ${what}: ${measured} (${goal})`,
  )
  const missing = unmeasured.map(text => `Not measured: ${text}`)
  return `${title}\n${how}\n\n${table(rows)}\n${[...lines, ...missing].join('\n')}\n`
}

/** `plots` is the folder of the plots as the page names it. */
export function toMarkdown(section: Section, plots: string): string {
  const { goals, how, rows, title, unmeasured } = section
  const [heading = [], ...body] = rows
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`
  const grid =
    rows.length === 0
      ? ''
      : `${row(heading)}${row(heading.map(() => '---'))}${body.map(row).join('')}`
  const images = (section.plots ?? []).map(
    plot => `![${plot.title}. ${describeBars(plot)}](${plots}/${plot.name}.svg)`,
  )
  const points = [
    ...goals.map(
      ({ goal, measured, met, what }) =>
        `- ${met ? 'Met' : '**Missed**'}: ${what}: ${measured} (goal: ${goal}).`,
    ),
    ...unmeasured.map(text => `- Not measured: ${text}`),
  ]
  const paragraphs = [`### ${title}`, how, grid.trimEnd(), ...images, points.join('\n')]
  return `${paragraphs.filter(text => text !== '').join('\n\n')}\n`
}

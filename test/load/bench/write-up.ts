import { cpus, totalmem } from 'node:os'
import { table } from '../table.ts'
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

export function toMarkdown({ goals, how, rows, title, unmeasured }: Section): string {
  const [heading = [], ...body] = rows
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`
  const grid = `${row(heading)}${row(heading.map(() => '---'))}${body.map(row).join('')}`
  const points = [
    ...goals.map(
      ({ goal, measured, met, what }) =>
        `- ${met ? 'Met' : '**Missed**'}: ${what}: ${measured} (goal: ${goal}).`,
    ),
    ...unmeasured.map(text => `- Not measured: ${text}`),
  ]
  return `### ${title}\n\n${how}\n\n${grid}\n${points.join('\n')}\n`
}

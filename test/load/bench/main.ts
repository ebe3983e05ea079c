import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { startChild } from '../../../gateway/local/stack/child.ts'
import { createParts } from '../../../gateway/local/stack/parts.ts'
import { type LocalSystem, openLocalSystem } from '../local-system.ts'
import { root } from '../parts.ts'
import { runScript } from '../run-script.ts'
import { type BenchOptions, type PartName, readOptions, usage } from './options.ts'
import { type Run, suite } from './suite.ts'
import { drawBars } from './write-up/bar-plot.ts'
import { replaceFigures } from './write-up/figures.ts'
import type { Section } from './write-up/section.ts'
import { machine, toMarkdown, toText } from './write-up/write-up.ts'

const report = (line: string) => void process.stderr.write(`${line}\n`)

/** Whether every part could be measured. */
async function main({ parts, quick, url, write }: BenchOptions): Promise<boolean> {
  const cleanup = createParts(report)
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => void cleanup.stop().then(() => process.exit(1)))
  let system: Promise<LocalSystem<ReturnType<typeof startChild>>> | undefined
  const run: Run = {
    ...{ quick, url, report, cleanup },
    rounds: quick ? 3 : 5,
    duration: quick ? 1_000 : 4_000,
    system: () => (system ??= start()),
  }
  const start = async () => {
    report('Starting the system')
    const started = await openLocalSystem({ launch: startChild, limits: false, log_files: false })
    cleanup.add('system', () => started.close())
    return started
  }
  const failed: PartName[] = []
  const began = performance.now()
  try {
    process.stdout.write(`${machine()}\n\n`)
    for (const [index, part] of parts.entries()) {
      report(`Part ${index + 1} of ${parts.length}, ${part}, after ${secondsSince(began)}`)
      try {
        const sections = await suite[part](run)
        for (const section of sections) process.stdout.write(`${toText(section)}\n`)
        if (write) await writeFigures(part, sections, { quick, only: parts.length === 1 })
      } catch (error) {
        failed.push(part)
        report(
          `Not measured: ${part}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
        )
      }
    }
  } finally {
    await cleanup.stop()
  }
  report(`Done after ${secondsSince(began)}`)
  return failed.length === 0
}

const secondsSince = (began: number) => `${Math.round((performance.now() - began) / 1000)} s`

/** The figures into the page, whose other text is written by hand, and the plots beside it; no others stay there. */
async function writeFigures(
  part: PartName,
  sections: readonly Section[],
  { only, quick }: { readonly only: boolean; readonly quick: boolean },
): Promise<void> {
  const [page, plots] = [root('docs/performance.md'), 'performance']
  await mkdir(root(`docs/${plots}`), { recursive: true })
  for (const plot of sections.flatMap(section => section.plots ?? []))
    await writeFile(root(`docs/${plots}/${plot.name}.svg`), drawBars(plot))
  const date = new Date().toISOString().slice(0, 10)
  const command = [
    'npm run bench --',
    ...(quick ? ['--quick'] : []),
    ...(only ? [`--only ${part}`] : []),
  ]
  const figures = [
    `Measured on ${date} by \`${command.join(' ')} --write\`: ${machine()}.`,
    ...sections.map(section => toMarkdown(section, plots)),
  ]
  const text = replaceFigures(await readFile(page, 'utf8'), part, figures.join('\n\n'))
  const style = await resolveConfig(page)
  await writeFile(page, await format(text, { ...style, parser: 'markdown' }))
  for (const file of await readdir(root(`docs/${plots}`)))
    if (!text.includes(`(${plots}/${file})`)) await rm(root(`docs/${plots}/${file}`))
}

await runScript({ usage, options: () => readOptions(process.argv.slice(2)), main })

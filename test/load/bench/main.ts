import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { startChild } from '../../../gateway/local/stack/child.ts'
import { openLocalSystem } from '../local-system.ts'
import { root } from '../parts.ts'
import { measureAuthorization } from './authorization.ts'
import { measureCosts } from './process-costs.ts'
import { measureFloors } from './protocol-floor.ts'
import type { Section } from './section.ts'
import { measureToolCalls } from './tool-calls.ts'
import { machine, toMarkdown, toText } from './write-up.ts'

const parts = ['floor', 'tool-calls', 'authorization', 'costs'] as const
type Part = (typeof parts)[number]

const usage = `Usage: npm run bench -- [--quick] [--only PART] [--url URL] [--write]

Measures what the gateway costs, on free ports with a database of its own. Legs that are compared take
turns in one run, and a ratio is the median of the ratios of each round.

  floor           validation beside a no-op plugin, in our plugin server and in kong-pdk's
  tool-calls      a tool call through the gateway, beside the MCP server called directly
  authorization   sign-ins and refreshes per second
  costs           cold start, memory, workers

  --quick      shorter and fewer rounds: under three minutes, for a first look
  --only PART  one of these parts
  --url URL    the gateway that tool calls go through, in the place of the local one
  --write      put the tables into docs/performance.md
  --help       print this, and end

Other figures have scripts of their own: load:revocation (revocation lag), load:connections (growth to
1,000,000 connections), load:refusals (memory over 1,000,000 refusals), load:flood (fairness). Ends
with 1 when something could not be measured; a goal that is missed is printed, and is no failure.
`
const report = (line: string) => void process.stderr.write(`${line}\n`)

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      url: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const only = parts.find(part => part === values.only)
  if (values.only !== undefined && !only)
    throw new TypeError(`--only must be one of ${parts.join(', ')}`)
  if (values.url !== undefined && !URL.canParse(values.url))
    throw new TypeError(`--url ${values.url} is no URL`)
  return { ...values, only }
}

async function main({ only, quick, url, write }: ReturnType<typeof options>): Promise<void> {
  const wanted = (part: Part) => only === undefined || only === part
  const rounds = quick ? 3 : 5
  report('Starting the system')
  const system = await openLocalSystem({ launch: startChild, limits: false, log_files: false })
  const sections: Section[] = []
  const add = (...found: readonly Section[]) => {
    sections.push(...found)
    for (const section of found) process.stdout.write(`${toText(section)}\n`)
  }
  try {
    process.stdout.write(`${machine()}\n\n`)
    if (wanted('floor'))
      add(...(await measureFloors(system, { rounds, duration: quick ? 1_500 : 4_000, report })))
    if (wanted('tool-calls'))
      add(await measureToolCalls(system, { rounds, seconds: quick ? 2 : 5, report, url }))
    if (wanted('authorization')) {
      const [sign_ins, refreshes] = quick ? [40, 600] : [200, 4_000]
      add(...(await measureAuthorization(system, { sign_ins, refreshes, report })))
    }
    if (wanted('costs')) {
      const requests = quick ? 50_000 : 1_000_000
      add(
        ...(await measureCosts(system, {
          rounds,
          requests,
          duration: quick ? 1_500 : 4_000,
          report,
        })),
      )
    }
  } finally {
    await system.close()
  }
  if (write) await writeTables(sections, quick)
}

/** Between two marks of the page; the rest of it is written by hand. */
async function writeTables(sections: readonly Section[], quick: boolean): Promise<void> {
  const page = root('docs/performance.md')
  const [begin, end] = ['<!-- figures: npm run bench -- --write -->', '<!-- end of figures -->']
  const text = await readFile(page, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined)
    throw new Error(`${page} has no place for figures`)
  const date = new Date().toISOString().slice(0, 10)
  const command = `npm run bench --${quick ? ' --quick' : ''} --write`
  const figures = `Measured on ${date} by \`${command}\`: ${machine()}.\n\n${sections.map(toMarkdown).join('\n')}`
  await writeFile(page, `${before}${begin}\n\n${figures}\n${end}${after}`)
}

try {
  const given = options()
  if (given.help) process.stdout.write(usage)
  else await main(given)
} catch (error) {
  report(error instanceof Error ? (error.stack ?? error.message) : String(error))
  if (error instanceof TypeError) report(`\n${usage}`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}

import { parseArgs } from 'node:util'

/** What is measured, in this order, and what each is about. */
export const part_names = {
  floor: 'validation beside a no-op plugin, in our plugin server and in kong-pdk’s',
  'tool-calls': 'a tool call through the gateway, beside the MCP server called directly',
  authorization: 'sign-ins and refreshes per second',
  costs: 'start and memory of the plugin server',
  workers: 'one worker of the plugin server beside two and four',
  revocation: 'how soon a connection that has ended is refused everywhere',
  growth: 'from 1,000 connections of 10 organizations to 1,000,000 of 10,000',
  organizations: 'from 10 organizations in the configuration to 10,000',
} as const

export type PartName = keyof typeof part_names
const names = Object.keys(part_names) as PartName[]

export const usage = `Usage: npm run bench -- [--quick] [--only PART] [--url URL] [--write]

Measures what the gateway costs, on free ports with a database of its own. Legs that are compared take
turns in one run, and a ratio is the median of the ratios of each round.

${names.map(name => `  ${name.padEnd(15)} ${part_names[name]}\n`).join('')}
  --quick      shorter and fewer rounds: under three minutes, for a first look; growth to 10,000 only
  --only PART  one of these parts
  --url URL    the gateway that tool calls go through, in the place of the local one
  --write      put the figures into docs/performance.md and the plots beside it; of one part, with --only
  --help       print this, and end

All of it takes about fifteen minutes on an idle computer, and 4 GB of disk for a while. Progress is on
standard error, the figures on standard output. To hold workers to a share of a processor, and so to tell on a small computer
whether they divide the work, takes root and Linux's control groups; the groups are removed again.

Other figures have scripts of their own: load:refusals (memory over 1,000,000 refusals), load:flood
(fairness). What cannot be measured here is said, with the reason, in the place of the figure. Ends with 1
when a part failed; the others are measured all the same. A goal that is missed is printed, and is no failure.
`

export interface BenchOptions {
  readonly help: boolean
  readonly quick: boolean
  readonly write: boolean
  /** All of them without `--only`. */
  readonly parts: readonly PartName[]
  readonly url: string | undefined
}

/** Reads the command line; throws a TypeError for the user. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      url: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { help, only, quick, url, write } = values
  const parts = names.filter(name => only === undefined || name === only)
  if (parts.length === 0) throw new TypeError(`--only must be one of ${names.join(', ')}`)
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new TypeError(`--url ${url} is no URL of a gateway: http://… or https://…`)
  if (url !== undefined && !parts.includes('tool-calls'))
    throw new TypeError('--url is for tool-calls, which --only leaves out')
  return { help, quick, write, parts, url }
}

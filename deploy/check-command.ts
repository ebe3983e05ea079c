import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export interface CheckCommand {
  readonly usage: string
  /** Everything that is wrong below `root`, a sentence each. */
  readonly check: (root: string, now: number) => Promise<readonly string[]>
  /** Said when nothing is. */
  readonly in_order: string
}

/** Says everything that is wrong. Exits 0 when nothing is, 1 when something is, 2 when called wrongly. */
export async function runCheck({ usage, check, in_order }: CheckCommand): Promise<void> {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean' } } })
    if (values.help) return console.log(usage)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  const problems = await check(fileURLToPath(new URL('..', import.meta.url)), Date.now())
  for (const problem of problems) console.error(`- ${problem}`)
  if (problems.length > 0) process.exitCode = 1
  else console.log(in_order)
}

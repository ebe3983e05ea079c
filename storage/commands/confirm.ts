import { createInterface } from 'node:readline/promises'
import { UsageError } from './command-store.ts'

/**
 * Asks at the terminal before more than one thing is done. `what` is a verb with its object.
 *
 * @throws UsageError when there is no terminal to ask at
 */
export async function confirmed(what: string, count: number, yes: boolean): Promise<boolean> {
  if (yes || count <= 1) return true
  if (!process.stdin.isTTY)
    throw new UsageError(`This would ${what}. There is no terminal to ask at: say --yes.`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(
      `${what.replace(/^./, first => first.toUpperCase())}? Type yes: `,
    )
    return answer.trim().toLowerCase() === 'yes'
  } finally {
    terminal.close()
  }
}

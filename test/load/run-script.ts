export interface Script<G> {
  readonly usage: string
  /** Reads the command line; throws a TypeError for the user. */
  readonly options: () => G
  /** Gives whether what the script is about holds. */
  readonly main: (given: G) => Promise<boolean>
}

/**
 * Prints the usage, or runs the script. The process ends with 0 when all is as it must be, 1 when it is
 * not or something failed, and 2, with the usage, when it was called wrongly.
 */
export async function runScript<G extends { readonly help: boolean }>(
  script: Script<G>,
): Promise<void> {
  try {
    const given = script.options()
    if (given.help) process.stdout.write(script.usage)
    else process.exitCode = (await script.main(given)) ? 0 : 1
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    if (error instanceof TypeError) process.stderr.write(`\n${script.usage}`)
    process.exitCode = error instanceof TypeError ? 2 : 1
  }
}

/** Aborted when somebody wants the script to end. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error('interrupted')))
  return interrupted.signal
}

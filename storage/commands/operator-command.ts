import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { messages, UsageError } from './command-store.ts'

/** The values of options, as node:util's parseArgs gives them. */
export type ValuesOf<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: O; allowPositionals: true }>
>['values']

export interface OperatorCommand<O extends ParseArgsOptionsConfig, C extends string> {
  readonly usage: string
  /** With `help`, a boolean. */
  readonly options: O
  /** Exactly one of these is to be named. */
  readonly commands: readonly C[]
  /** Gives the exit code; throws UsageError for what the operator can put right. */
  readonly run: (command: C, values: ValuesOf<O>) => Promise<number>
  /** What is true of what was done before it failed. */
  readonly after_failure?: string
}

/**
 * Reads the command line and runs what it says. The exit code is that of `run`, 1 when it failed, and 2
 * when it was called wrongly, with what was wrong on standard error.
 */
export async function runOperatorCommand<O extends ParseArgsOptionsConfig, C extends string>(
  wanted: OperatorCommand<O, C>,
): Promise<void> {
  try {
    process.exitCode = await main(wanted)
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(error.message)
      process.exitCode = 2
      return
    }
    console.error(`It failed: ${messages(error).join(': ')}`)
    if (wanted.after_failure !== undefined) console.error(wanted.after_failure)
    process.exitCode = 1
  }
}

async function main<O extends ParseArgsOptionsConfig, C extends string>({
  usage,
  options,
  commands,
  run,
}: OperatorCommand<O, C>): Promise<number> {
  const { values, positionals } = parse(options)
  const [named, ...others] = positionals
  const help = 'help' in values && values.help === true
  if (help || named === undefined || named === 'help') {
    console.log(usage)
    return help || named === 'help' ? 0 : 2
  }
  if (others.length > 0) throw new UsageError(`${others.join(' ')}: what is this? See --help.`)
  const command = commands.find(each => each === named)
  if (command === undefined)
    throw new UsageError(`There is no command "${named}", only ${listed(commands)}. See --help.`)
  return run(command, values)
}

function parse<O extends ParseArgsOptionsConfig>(options: O) {
  try {
    return parseArgs<{ options: O; allowPositionals: true }>({ allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nSee --help.`)
  }
}

/** `a`, `a and b`, `a, b and c`. */
function listed(words: readonly string[]): string {
  return words.join(', ').replace(/, ([^,]*)$/, ' and $1')
}

import { parseArgs } from 'node:util'

export const usage = `Usage: main.ts --socket PATH [--plugins-directory DIR]
       main.ts --dump [--plugins-directory DIR]

Serves one plugin to Kong over the plugin protocol ProtoBuf:1.

  --socket PATH            listen on this Unix socket (mode 0660)
  --dump                   print what Kong's query command reads, and end
  --plugins-directory DIR  where the plugin is: DIR/<name>/index.ts
  --help                   print this, and end

Logs are JSON lines on standard output. SIGTERM and SIGINT end the server once the events that are
running have finished, at the latest after 10 seconds.
`

export type Options =
  | { readonly run: 'help' }
  | { readonly run: 'dump'; readonly plugins_directory: string }
  | { readonly run: 'serve'; readonly plugins_directory: string; readonly socket: string }

/** A command line that cannot be followed; the message is for the operator. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError */
export function parseOptions(args: readonly string[], default_directory: string): Options {
  const { help, dump, socket, 'plugins-directory': directory } = parse(args)
  if (help) return { run: 'help' }
  const plugins_directory = directory ?? default_directory
  if (plugins_directory === '') throw new UsageError('--plugins-directory is empty')
  if (dump) return { run: 'dump', plugins_directory }
  if (!socket) throw new UsageError('--socket PATH is missing')
  return { run: 'serve', plugins_directory, socket }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        socket: { type: 'string' },
        dump: { type: 'boolean' },
        'plugins-directory': { type: 'string' },
        help: { type: 'boolean' },
      },
    })
    return values
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

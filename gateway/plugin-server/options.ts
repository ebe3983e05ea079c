import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const usage = `Usage: main.ts --socket PATH [--workers N] [--plugins-directory DIR] [--metrics-host HOST]
               [--metrics-port PORT]
       main.ts --dump [--plugins-directory DIR]

Serves one plugin to Kong over the plugin protocol ProtoBuf:1.

  --socket PATH            listen on this Unix socket (mode 0660)
  --workers N              processes that serve requests (one for each processor; at most 64)
  --dump                   print what Kong's query command reads, and end
  --plugins-directory DIR  where the plugin is: DIR/<name>/index.ts
  --metrics-host HOST      address for /metrics, /healthz and /readyz (127.0.0.1)
  --metrics-port PORT      port for them (9464); 0 takes a free one, off serves none
  --help                   print this, and end

Logs are JSON lines on standard output. SIGTERM and SIGINT end the server once the events that are
running have finished, at the latest after 10 seconds. SIGHUP puts another worker in the place of
each, one after the other, and drops nothing. A worker that hangs or ends is replaced. Requests are
served whether or not the metrics' port can be had.
`

export type Options =
  | { readonly run: 'help' }
  | { readonly run: 'dump'; readonly plugins_directory: string }
  | {
      readonly run: 'serve'
      readonly plugins_directory: string
      readonly socket: string
      readonly workers: number
      /** Undefined: none are served. */
      readonly metrics: { readonly host: string; readonly port: number } | undefined
    }

/** A command line that cannot be followed; the message is for the operator. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError */
export function parseOptions(args: readonly string[], default_directory: string): Options {
  const { help, dump, socket, 'plugins-directory': directory, ...rest } = parse(args)
  if (help) return { run: 'help' }
  const plugins_directory = directory ?? default_directory
  if (plugins_directory === '') throw new UsageError('--plugins-directory is empty')
  if (dump) return { run: 'dump', plugins_directory }
  if (!socket) throw new UsageError('--socket PATH is missing')
  const metrics = metricsAddress(rest['metrics-host'], rest['metrics-port'])
  const workers = workerCount(rest.workers)
  return { run: 'serve', plugins_directory, socket, workers, metrics }
}

/** More than these are a slip of the keyboard. */
const most_workers = 64

function workerCount(text: string | undefined): number {
  if (text === undefined) return Math.min(availableParallelism(), most_workers)
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > most_workers)
    throw new UsageError(`--workers ${text} is no number from 1 to ${most_workers}`)
  return count
}

function metricsAddress(host: string, port: string) {
  if (port === 'off') return undefined
  if (host === '') throw new UsageError('--metrics-host is empty')
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`--metrics-port ${port} is neither a port nor off`)
  return { host, port: Number(port) }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        socket: { type: 'string' },
        workers: { type: 'string' },
        dump: { type: 'boolean' },
        'plugins-directory': { type: 'string' },
        'metrics-host': { type: 'string', default: '127.0.0.1' },
        'metrics-port': { type: 'string', default: '9464' },
        help: { type: 'boolean' },
      },
    })
    return values
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

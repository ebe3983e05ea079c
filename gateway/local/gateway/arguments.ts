import { parseArgs } from 'node:util'
import type { GatewayOptions } from './gateway-options.ts'

export const usage = `The local gateway: Kong's configuration and plugin protocol, for laptops and tests.
Production runs Kong.

  node gateway/local/gateway/main.ts --socket PATH [--config FILE] [--port PORT]
      [--status-port PORT] [--tls-port PORT --certificate FILE --key FILE]

  --socket PATH        Unix socket of the plugin server
  --config FILE        Kong's declarative configuration (config/kong.yml)
  --port PORT          port on 127.0.0.1 (8000); 0 takes a free one
  --status-port PORT   port of /metrics, /status and /status/ready (8100)
  --tls-port PORT      port for TLS 1.2 and 1.3, with the two files of the next lines
  --certificate FILE   certificate in PEM, those of its issuers after it
  --key FILE           its private key in PEM
  --help               this text

SIGHUP reads the configuration and the certificate again. When they have mistakes, these are
printed, and what was in force stays in force.
`

export type Arguments = Pick<
  GatewayOptions,
  'config_file' | 'plugin_server_socket' | 'port' | 'status_port' | 'tls'
>

/** The options that the arguments ask for, `help`, or everything that is wrong with them. */
export function readArguments(
  args: readonly string[],
): Arguments | 'help' | { readonly problems: readonly string[] } {
  const parsed = parse(args)
  if ('problems' in parsed) return parsed
  if (parsed.help) return 'help'
  const { certificate, config, key, socket } = parsed
  const problems: string[] = []
  const port = (name: string, given: string): number => {
    const number = Number(given)
    const usable = /^\d+$/.test(given) && number <= 65_535
    if (!usable) problems.push(`${name} is no port, which is 0 to 65535`)
    return number
  }
  if (socket === undefined) problems.push('--socket is missing')
  const ports = {
    port: port('--port', parsed.port),
    status_port: port('--status-port', parsed['status-port']),
  }
  let tls: Arguments['tls']
  const tls_port = parsed['tls-port']
  if (tls_port === undefined) {
    if (certificate !== undefined) problems.push('--certificate needs a --tls-port')
    if (key !== undefined) problems.push('--key needs a --tls-port')
  } else {
    if (certificate === undefined) problems.push('--tls-port needs a --certificate')
    if (key === undefined) problems.push('--tls-port needs a --key')
    tls = { port: port('--tls-port', tls_port), certificate: certificate ?? '', key: key ?? '' }
  }
  if (problems.length > 0 || socket === undefined) return { problems }
  return { config_file: config, plugin_server_socket: socket, ...ports, tls }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', default: 'config/kong.yml' },
        socket: { type: 'string' },
        port: { type: 'string', default: '8000' },
        'status-port': { type: 'string', default: '8100' },
        'tls-port': { type: 'string' },
        certificate: { type: 'string' },
        key: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] }
  }
}

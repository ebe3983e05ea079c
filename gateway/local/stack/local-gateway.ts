import type { Log, LogLevel } from '../gateway/exchange.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../gateway/gateway.ts'
import type { LogFile } from './log-file.ts'

export interface LocalGatewayOptions extends Pick<
  GatewayOptions,
  'config_file' | 'environment' | 'plugin_server_socket' | 'port' | 'status_port' | 'tls'
> {
  readonly log: LogFile
}

/** pino's numbers, as in the logs of the other parts. */
const level_numbers = {
  debug: 20,
  info: 30,
  notice: 30,
  warn: 40,
  err: 50,
} as const satisfies Record<LogLevel, number>

/** The local gateway, in this process, with its log in a file like everybody's. */
export function startLocalGateway({ log, ...options }: LocalGatewayOptions): Promise<Gateway> {
  const write: Log = ({ level = 'info', ...event }) =>
    log.write(JSON.stringify({ level: level_numbers[level], time: Date.now(), ...event }))
  // What a plugin would print goes there too: standard output belongs to whoever started all this.
  return startGateway({ ...options, log: write, print: line => log.write(line) })
}

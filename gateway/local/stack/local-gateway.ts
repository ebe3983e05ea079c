import type { Log, LogLevel } from '../gateway/exchange.ts'
import { type Gateway, startGateway } from '../gateway/gateway.ts'
import type { LogFile } from './log-file.ts'

export interface LocalGatewayOptions {
  readonly config_file: string
  readonly environment: Readonly<Record<string, string>>
  readonly plugin_server_socket: string
  readonly port: number
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
  return startGateway({ ...options, log: write })
}

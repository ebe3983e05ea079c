import type { Headers, SharedValue } from '../../plugin-server/pdk.ts'
import type { HeaderLines } from './header-lines.ts'
import type { LogMessage, SerializeValues } from './log-message.ts'
import type { Progress } from './progress.ts'
import type { RequestBody } from './request-body.ts'
import type { RequestTarget } from './request-target.ts'
import type { RouteDescription } from './route.ts'

/** One event of the gateway's log; `level` is Kong's word, `info` unless given. */
export interface LogEvent {
  readonly msg: string
  readonly level?: LogLevel
  readonly [detail: string]: unknown
}
export type LogLevel = 'debug' | 'info' | 'notice' | 'warn' | 'err'
export type Log = (event: LogEvent) => void

/** One request on its way, with what plugins may see and change. */
export interface Exchange {
  /** 32 hexadecimal digits, Kong's `X-Kong-Request-Id`. */
  readonly request_id: string
  readonly method: string
  readonly target: RequestTarget
  /** Without port, in lower case. */
  readonly host: string
  readonly scheme: 'http' | 'https'
  /** Of a connection over TLS. */
  readonly tls: { readonly version: string; readonly cipher: string } | undefined
  /** The port of this gateway that the client connected to. */
  readonly port: number
  readonly client_ip: string
  /** As the upstream will get them. */
  readonly headers: HeaderLines
  /** What plugins add to the response, whoever makes it. */
  readonly response_headers: HeaderLines
  readonly body: RequestBody
  /** `kong.ctx.shared` */
  readonly shared: Map<string, SharedValue>
  /** Undefined when none matched. */
  readonly route: RouteDescription | undefined
  readonly progress: Progress
  /** What plugins add to the log message. */
  readonly serialize_values: SerializeValues
  readonly log: Log
}

/** The key of `serialize_values` under which Kong's correlation-id plugin leaves its id. */
export const CORRELATION_ID = 'correlation_id'

/** The id that plugin and upstream know a request by, or Kong's own when no plugin made one. */
export function sharedRequestId({ request_id, serialize_values }: Exchange): string {
  const correlation_id = serialize_values.get(CORRELATION_ID)
  return typeof correlation_id === 'string' ? correlation_id : request_id
}

/** An answer given by the gateway or a plugin instead of the upstream's. */
export interface Exit {
  readonly status: number
  readonly body: string | Uint8Array
  readonly headers: Headers
}

/** The phases of a plugin, for one entity of the configuration. */
export interface Phases {
  /** Runs in descending priority; an exit ends the request here, no later plugin runs. */
  access?(exchange: Exchange): Exit | undefined | Promise<Exit | undefined>
  /** Runs on every response, also after an exit. */
  header_filter?(exchange: Exchange, response: HeaderLines): void
  /** Runs when the exchange is over, also after an exit. */
  log?(message: LogMessage): void
}

/** A plugin at work for one entity of the configuration. */
export interface Instance extends Phases {
  /** Why it cannot work, found out before its first request. The remedy is part of it. */
  problem?(): Promise<string | undefined>
  /** Gives back what it holds, after its last request. */
  close?(): Promise<void>
}

import type { Headers, SharedValue } from '../../plugin-server/pdk.ts'

/**
 * What Kong's log serializer says of one request, with its names. Times are milliseconds, sizes
 * bytes. It may hold codes and cookies: a plugin that writes it down has to redact it first.
 */
export interface LogMessage {
  readonly request: {
    readonly id: string
    readonly method: string
    readonly uri: string
    readonly url: string
    readonly querystring: Readonly<Record<string, string | true | readonly (string | true)[]>>
    readonly headers: Headers
    readonly size: number
    readonly tls?: { readonly version: string; readonly cipher: string }
  }
  readonly upstream_uri: string
  /** Empty when no upstream answered. */
  readonly upstream_status: string
  readonly response: { readonly status: number; readonly headers: Headers; readonly size: number }
  readonly latencies: {
    readonly kong: number
    /** -1 when no upstream answered. */
    readonly proxy: number
    readonly request: number
    readonly receive: number
  }
  readonly tries?: readonly { readonly ip: string; readonly port: number }[]
  readonly route?: { readonly name: string; readonly [field: string]: unknown }
  readonly service?: { readonly name: string; readonly [field: string]: unknown }
  readonly client_ip: string
  /** Milliseconds since 1970. */
  readonly started_at: number
  readonly source: 'kong' | 'upstream'
  readonly workspace: string
  readonly workspace_name: string
  /** What plugins added, such as `correlation_id`. */
  readonly [added: string]: unknown
}

/** Values that plugins add by `kong.log.set_serialize_value`. */
export type SerializeValues = Map<string, SharedValue>

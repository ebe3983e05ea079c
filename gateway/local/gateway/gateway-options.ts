import type { Log } from './exchange.ts'
import type { ExternalPlugin } from './external-plugin.ts'
import type { TlsOptions } from './key-pair.ts'
import type { Parts } from './native-plugin.ts'

export interface GatewayOptions {
  /** Kong's declarative configuration. */
  readonly config_file: string
  /** What `{vault://env/…}` references are resolved from. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly plugin_server_socket: string
  /** Loopback only: production runs Kong. */
  readonly host?: '127.0.0.1'
  /** 0 takes a free one. */
  readonly port: number
  /** Listens with TLS too. */
  readonly tls?: TlsOptions | undefined
  /** Where metrics and status are served; 0 takes a free one, and without it they are not. */
  readonly status_port?: number | undefined
  readonly log: Log
  /** Takes what a plugin writes to /dev/stdout or /dev/stderr; without it the log does. */
  readonly print?: Parts['print']
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** The plugin behind the socket; asked from the plugin server's program when it is not given. */
  readonly external_plugin?: ExternalPlugin
  /** Longest request body, bytes; 1 MiB unless told. A longer one is answered 413. */
  readonly max_body_bytes?: number
  /** How long the plugin server may be silent, milliseconds; Kong's 60 s unless told. */
  readonly plugin_server_timeout?: number
  /** Whether the equivalent of the `post-function` snippet runs. A test switches it off. */
  readonly enforce_guards?: boolean
  /**
   * Passes requests on as the client sent them while the plugin server is away, as Kong does with
   * plugins of another protocol. For the test that the upstream is safe even then.
   */
  readonly dangerously_proxy_without_plugin_server?: boolean
}

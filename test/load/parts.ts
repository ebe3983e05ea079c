import { fileURLToPath } from 'node:url'
import type { DevelopmentKeys } from '../../gateway/local/stack/development-keys.ts'
import { answersAt, listensAt, type Probe } from '../../gateway/local/stack/readiness.ts'

export type PartName = 'dev-idp' | 'mcp-server' | 'plugin-server' | 'gateway'

/** How a part of the system is started, and how one knows that it runs. */
export interface Part {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly probe: Probe
}

export interface Places {
  readonly ports: { readonly gateway: number; readonly mcp_server: number; readonly idp: number }
  /** The public one. */
  readonly url: string
  readonly socket: string
  readonly keys: DevelopmentKeys
  readonly databases: { readonly mcp_server: string }
  readonly environment: Readonly<Record<string, string>>
  readonly config_file: string
  readonly mcp_server_program: string
}

/** Absolute path of a file of the project. */
export const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
export const plugin_server_program = root('gateway/plugin-server/main.ts')

/** Every process beside PostgreSQL, the gateway too: whoever makes the load shares none of them. */
export function partsOf({ keys, ports, url, ...places }: Places): Record<PartName, Part> {
  const gateway = `http://127.0.0.1:${ports.gateway}`
  return {
    'dev-idp': {
      program: root('gateway/local/idp/main.ts'),
      args: [],
      environment: {
        PORT: String(ports.idp),
        CLIENT_SECRET: keys.dev_idp_client_secret,
        REDIRECT_URIS: `${url}/callback/dev`,
        SIGNING_KEYS: JSON.stringify(keys.dev_idp_signing_keys),
        COOKIE_KEYS: keys.dev_idp_cookie_key,
      },
      probe: answersAt(`http://127.0.0.1:${ports.idp}/.well-known/openid-configuration`),
    },
    'mcp-server': {
      program: places.mcp_server_program,
      args: [],
      environment: {
        HOST: '127.0.0.1',
        PORT: String(ports.mcp_server),
        DATABASE_URL: places.databases.mcp_server,
        GATEWAY_URL: url,
        JWKS_URL: `${gateway}/jwks`,
        METRICS_PORT: 'off',
      },
      probe: answersAt(`http://127.0.0.1:${ports.mcp_server}/healthz`),
    },
    'plugin-server': {
      program: plugin_server_program,
      args: ['--socket', places.socket, '--metrics-port', 'off'],
      // Kong gives its plugin server none either.
      environment: {},
      probe: listensAt(places.socket),
    },
    gateway: {
      program: root('gateway/local/gateway/main.ts'),
      args: [
        ...['--socket', places.socket, '--config', places.config_file],
        ...['--port', String(ports.gateway), '--status-port', '0'],
      ],
      environment: places.environment,
      probe: answersAt(`${gateway}/.well-known/oauth-authorization-server`),
    },
  }
}

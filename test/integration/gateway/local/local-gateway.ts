import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import type { LogEvent } from '../../../../gateway/local/gateway/exchange.ts'
import { startGateway } from '../../../../gateway/local/gateway/gateway.ts'
import type { GatewayOptions } from '../../../../gateway/local/gateway/gateway.ts'
import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import type { PluginModule } from '../../../../gateway/plugin-server/plugin.ts'
import { startPluginServer } from '../../../../gateway/plugin-server/server.ts'

export type Access = (kong: Pdk, config: unknown) => Promise<void>

/** What an upstream got of one request. */
export interface Arrived {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly raw_headers: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

/** Lets a request pass as the real plugin does: with another Authorization. */
export const admit: Access = async kong => {
  await kong.service.request.setHeaders({
    Authorization: 'Bearer assertion',
    'X-User-Id': 'usr_alice',
  })
}

export const external_plugin: NonNullable<GatewayOptions['external_plugin']> = {
  name: 'door',
  priority: 1050,
  config: { type: 'record', fields: [{ note: { type: 'string', default: 'none' } }] },
}

/** A gateway with a real plugin server behind it, whose plugin does `access`, and an upstream. */
export async function openGateway(setup: {
  readonly access?: Access
  /** Runs when an instance is started; may throw. */
  readonly construct?: () => void
  /** Runs when an instance is closed. */
  readonly destruct?: () => void
  readonly upstream?: RequestListener
  /** For the service of route `mcp`. */
  readonly service?: string
  /** Entries for the list of plugins of the whole file, each a line of YAML. */
  readonly plugins?: readonly string[]
  /** Entries for the list of plugins of route `mcp`. */
  readonly mcp_plugins?: readonly string[]
  /** Entries for the list of plugins of route `answered`, which has no service. */
  readonly answered_plugins?: readonly string[]
  /** Setting of the plugin on route `answered`. */
  readonly answered_note?: string
  readonly options?: Partial<GatewayOptions>
}) {
  const { access = admit, construct, destruct, upstream = answerOk, options } = setup
  const folder = await mkdtemp(join(tmpdir(), 'test-gateway-'))
  const socket = join(folder, 'plugin.sock')
  const arrived: Arrived[] = []
  const events: LogEvent[] = []
  const logged = new EventEmitter()
  const server = createServer((incoming, outgoing) => {
    void text(incoming)
      .then(body => {
        const { method, url, rawHeaders: raw_headers, headers } = incoming
        arrived.push({ method, url, raw_headers, headers, body })
        upstream(incoming, outgoing)
      })
      .catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream_port = (server.address() as AddressInfo).port
  const config_file = join(folder, 'kong.yml')
  const write = (given: Configured) => writeFile(config_file, configuration(upstream_port, given))
  await write(setup)

  const servePlugin = () =>
    startPluginServer({
      socket,
      module: door(access, construct, destruct),
      log: pino({ level: 'silent' }),
    })
  let plugin_server = await servePlugin()
  const closeRest = async () => {
    await plugin_server.close()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  }
  const gateway = await startGateway({
    config_file,
    environment: {},
    plugin_server_socket: socket,
    port: 0,
    external_plugin,
    log: event => {
      events.push(event)
      logged.emit(event.msg)
    },
    ...options,
  }).catch(async (error: unknown) => {
    await closeRest()
    throw error
  })
  return {
    ...gateway,
    config_file,
    /** Writes another configuration; `reload` puts it into force. */
    configure: write,
    arrived,
    events,
    upstream_port,
    send: (path: string, sent?: Sent) => send(gateway.port, path, sent),
    /** Resolves at the next event of that name. */
    nextEvent: (msg: string) => once(logged, msg),
    stopPluginServer: () => plugin_server.close(),
    restartPluginServer: async () => {
      await plugin_server.close()
      plugin_server = await servePlugin()
    },
    stopUpstream: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    },
    async close() {
      await gateway.close()
      await closeRest()
    },
  }
}

/** Sends headers as they are given, name, value, name… and a path nobody normalises. */
export async function send(
  port: number,
  path: string,
  { method = 'GET', headers = [], body = '' }: Sent = {},
) {
  const lines = ['Host', `127.0.0.1:${port}`, ...headers]
  if (body !== '') lines.push('Content-Length', String(Buffer.byteLength(body)))
  const outgoing = request({ port, host: '127.0.0.1', method, path, headers: lines, agent: false })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode,
    headers: response.headers,
    raw_headers: response.rawHeaders,
    body: await text(response),
  }
}

const answerOk: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end('from upstream')
}

function door(access: Access, construct?: () => void, destruct?: () => void): PluginModule {
  return {
    Name: 'door',
    Version: '1.0.0',
    Priority: 1050,
    Schema: [],
    Plugin: class {
      readonly #config: unknown
      constructor(config: unknown) {
        construct?.()
        this.#config = config
      }
      access(kong: Pdk): Promise<void> {
        return access(kong, this.#config)
      }
      close(): Promise<void> {
        destruct?.()
        return Promise.resolve()
      }
    },
  }
}

type Configured = Pick<
  Parameters<typeof openGateway>[0],
  'service' | 'plugins' | 'mcp_plugins' | 'answered_plugins' | 'answered_note'
>

function configuration(upstream_port: number, given: Configured): string {
  const { answered_note = 'authorization', answered_plugins = [] } = given
  const { mcp_plugins = [], plugins = [], service = '' } = given
  const list = (entries: readonly string[], indent: string) =>
    entries.map(entry => `\n${indent}- ${entry}`).join('')
  return `
_format_version: '3.0'
plugins:
  - { name: pre-function, config: { access: [return] } }
  - name: correlation-id
    config: { header_name: X-Request-Id, generator: uuid, echo_downstream: true }${list(plugins, '  ')}
services:
  - name: upstream
    url: http://127.0.0.1:${upstream_port}
    ${service}
    plugins:
      - { name: post-function, config: { access: [return] } }
    routes:
      - name: mcp
        paths: ['~/mcp/?$']
        strip_path: false
        plugins:
          - { name: door, config: { note: resource } }
          - name: cors
            config: { origins: ['*'], methods: [GET, POST], headers: [Authorization], exposed_headers: [X-Request-Id], max_age: 60 }${list(mcp_plugins, '          ')}
      - { name: unplugged, paths: [/unplugged] }
      - { name: stripped, paths: [/stripped], plugins: [{ name: door }] }
routes:
  - name: answered
    paths: [/token]
    strip_path: false
    plugins:
      - { name: door, config: { note: ${answered_note} } }${list(answered_plugins, '      ')}
  - { name: bare, paths: [/bare] }
`
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LogEvent } from '../../gateway/local/gateway/exchange.ts'
import { queryPlugin } from '../../gateway/local/gateway/external-plugin.ts'
import { type GatewayOptions, startGateway } from '../../gateway/local/gateway/gateway.ts'
import { type Child, startChild } from '../../gateway/local/stack/child.ts'
import { gatewayEnvironment } from '../../gateway/local/stack/environment.ts'
import { kongConfigFor, usual } from '../../gateway/local/stack/kong-config.ts'
import { openLogFile } from '../../gateway/local/stack/log-file.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { listensAt, untilReady } from '../../gateway/local/stack/readiness.ts'
import { openRelay, type Relay } from './relay.ts'
import { type OpenGateway, ownStack } from './stack.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const program = root('gateway/plugin-server/main.ts')

/** A second gateway of a stack, with a plugin server of its own that a test may kill. */
export interface GatewayBeside {
  /** Where it listens; its public URL is that of the stack, whose tokens are good here. */
  readonly url: string
  readonly socket: string
  readonly events: readonly LogEvent[]
  /** Before the MCP server. */
  readonly upstream: Relay
  /** Before the database that the plugin uses. */
  readonly database: Relay
  /** Signals the plugin server, all of its processes. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves when the plugin server has ended. */
  readonly ended: Promise<string>
  /** Another plugin server in the place of one that has ended. */
  restartPluginServer(): Promise<void>
  close(): Promise<void>
}

export interface BesideOptions extends Partial<GatewayOptions> {
  /** Port of what stands in for the MCP server. */
  readonly upstream_port?: number
}

/** Rejects, with everything stopped again, when a part does not come up. */
export async function openGatewayBeside(
  stack: OpenGateway,
  options: BesideOptions = {},
): Promise<GatewayBeside> {
  const parts = createParts(line => console.error(line))
  try {
    return await bringUp(stack, options, parts)
  } catch (error) {
    await parts.stop()
    throw error
  }
}

async function bringUp(
  stack: OpenGateway,
  options: BesideOptions,
  parts: Parts,
): Promise<GatewayBeside> {
  const own = ownStack(stack)
  const folder = await mkdtemp(join(tmpdir(), 'gateway-beside-'))
  parts.add('folder', () => rm(folder, { recursive: true, force: true }))
  const socket = join(folder, 'plugin.sock')
  const upstream_port = options.upstream_port ?? Number(new URL(own.mcp_server_url).port)
  const upstream = await openRelay(upstream_port)
  parts.add('upstream relay', () => upstream.cut())
  const database_url = new URL(own.database_url)
  const database = await openRelay(Number(database_url.port))
  parts.add('database relay', () => database.cut())
  database_url.port = String(database.port)
  const places = {
    ...usual,
    mcp_server: `http://127.0.0.1:${upstream.port}`,
    idp: own.idp_url,
  }
  const config_file = await kongConfigFor(places, root('config/kong.yml'), join(folder, 'kong.yml'))
  const log = openLogFile(join(folder, 'plugin-server.log'), () => undefined)
  parts.add('log', () => log.close())
  const events: LogEvent[] = []

  const startPluginServer = async (): Promise<Child> => {
    const args = ['--socket', socket, '--workers', '1', '--metrics-port', 'off']
    const child = startChild({ name: 'plugin-server', program, args, environment: {}, log })
    parts.add('plugin server', () => child.stop())
    const ended = new AbortController()
    void child.ended.then(how => ended.abort(new Error([how, ...log.tail].join('\n'))))
    await untilReady(listensAt(socket), { patience: 10_000, signal: ended.signal })
    return child
  }
  const [external_plugin, first] = await Promise.all([queryPlugin(program), startPluginServer()])
  let child = first
  const gateway = await startGateway({
    config_file,
    environment: gatewayEnvironment(stack.url, database_url.href, own.keys),
    plugin_server_socket: socket,
    port: 0,
    external_plugin,
    log: event => void events.push(event),
    ...options,
  })
  parts.add('gateway', () => gateway.close())
  const signal: GatewayBeside['signal'] = name => {
    if (child.pid === undefined) throw new Error('the plugin server has not started')
    process.kill(-child.pid, name)
  }
  return {
    url: gateway.url,
    socket,
    events,
    upstream,
    database,
    signal,
    get ended() {
      return child.ended
    },
    async restartPluginServer() {
      child = await startPluginServer()
    },
    close: () => parts.stop(),
  }
}

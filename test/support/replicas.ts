import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { queryPlugin } from '../../gateway/local/gateway/external-plugin.ts'
import { startGateway } from '../../gateway/local/gateway/gateway.ts'
import { startChild } from '../../gateway/local/stack/child.ts'
import { openLogFile } from '../../gateway/local/stack/log-file.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { listensAt, untilReady } from '../../gateway/local/stack/readiness.ts'
import { type Database, openDatabase } from '../../storage/database.ts'
import { openBalancer } from './balancer.ts'
import { rawConfig } from './config.ts'
import { createTestDatabase } from './database.ts'

const program = fileURLToPath(new URL('../../gateway/plugin-server/main.ts', import.meta.url))

/** A gateway with a plugin server of its own, which is a process that may be killed. */
export interface Replica {
  /** Its own address; what is public is the address of the balancer. */
  readonly url: string
  readonly port: number
  /** The last lines that its plugin server wrote. */
  readonly log: readonly string[]
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves when the plugin server has ended. */
  ended(): Promise<string>
  /** Another plugin server in the place of the one that has ended. */
  restart(): Promise<void>
  /** Ends its plugin server and starts another, with these settings in place of those it had. */
  change(settings: Readonly<Record<string, unknown>>): Promise<void>
}

/** Several gateways on one database behind one public address. */
export interface Replicas {
  readonly url: string
  readonly replicas: readonly Replica[]
  /** With the keys of its rings, as all of them were given. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly db: Database
  readonly database_url: string
  /** Sends requests to these from now on, in turn; to all without any. */
  use(...chosen: readonly Replica[]): void
  /** Changes settings as an operator rolls them out: one replica after the other, while the others serve. */
  roll(settings: Readonly<Record<string, unknown>>): Promise<void>
  close(): Promise<void>
}

export interface ReplicasOptions {
  readonly count: number
  /** Given the public address: the settings that differ from those of test/support/config.ts. */
  readonly settings: (url: string) => Promise<Readonly<Record<string, unknown>>>
  /** Where each replica reaches PostgreSQL, given PostgreSQL's own URL; there, without it. */
  readonly database_url?: (url: string, index: number) => Promise<string>
}

/** Rejects, with everything stopped again, when a part does not come up. */
export async function openReplicas(options: ReplicasOptions): Promise<Replicas> {
  const parts = createParts(line => console.error(line))
  try {
    return await bringUp(options, parts)
  } catch (error) {
    await parts.stop()
    throw error
  }
}

async function bringUp(options: ReplicasOptions, parts: Parts): Promise<Replicas> {
  const folder = await mkdtemp(join(tmpdir(), 'replicas-'))
  parts.add('folder', () => rm(folder, { recursive: true, force: true }))
  const database = await createTestDatabase()
  parts.add('database', () => database.drop())
  const balancer = await openBalancer()
  parts.add('balancer', () => balancer.close())
  const upstream = await openUpstream(parts)
  const external_plugin = await queryPlugin(program)
  const { url } = balancer
  const common = rawConfig({ issuer: url, ...(await options.settings(url)) })

  const openReplica = async (index: number): Promise<Replica> => {
    const database_url = (await options.database_url?.(database.url, index)) ?? database.url
    const config_file = join(folder, `kong-${index}.yml`)
    let own: Readonly<Record<string, unknown>> = { ...common, database_url }
    await writeFile(config_file, kongYml(own, upstream))
    const socket = join(folder, `plugin-${index}.sock`)
    const log = openLogFile(join(folder, `plugin-${index}.log`), () => undefined)
    parts.add('log', () => log.close())
    const start = async () => {
      const args = ['--socket', socket, '--workers', '1', '--metrics-port', 'off']
      const child = startChild({ name: `plugin ${index}`, program, args, environment: {}, log })
      parts.add('plugin server', () => child.stop())
      const ended = new AbortController()
      void child.ended.then(how => ended.abort(new Error([how, ...log.tail].join('\n'))))
      await untilReady(listensAt(socket), { patience: 60_000, signal: ended.signal })
      return child
    }
    let child = await start()
    const gateway = await startGateway({
      config_file,
      environment: {},
      plugin_server_socket: socket,
      port: 0,
      external_plugin,
      log: () => undefined,
    })
    parts.add('gateway', () => gateway.close())
    return {
      url: gateway.url,
      port: Number(new URL(gateway.url).port),
      log: log.tail,
      signal(name) {
        if (child.pid === undefined) throw new Error('the plugin server has not started')
        process.kill(-child.pid, name)
      },
      ended: () => child.ended,
      async restart() {
        child = await start()
      },
      async change(settings) {
        own = { ...own, ...settings }
        await writeFile(config_file, kongYml(own, upstream))
        await child.stop()
        child = await start()
        await gateway.reload()
      },
    }
  }

  const replicas = await Promise.all(
    Array.from({ length: options.count }, (_, index) => openReplica(index)),
  )
  const use: Replicas['use'] = (...chosen) =>
    balancer.use((chosen.length > 0 ? chosen : replicas).map(({ port }) => port))
  use()
  const db = openDatabase(database.url)
  parts.add('database connections', () => db.destroy())
  return {
    url,
    replicas,
    settings: common,
    db,
    database_url: database.url,
    use,
    async roll(settings) {
      for (const replica of replicas) {
        use(...replicas.filter(other => other !== replica))
        await replica.change(settings)
      }
      use()
    },
    close: () => parts.stop(),
  }
}

/** What stands in for the MCP server: it answers whoever gets through with the headers they came with. */
async function openUpstream(parts: Parts): Promise<string> {
  const server = createServer(({ headers }, res) => {
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(headers))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  parts.add('upstream', async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The routes of config/kong.yml without its limits, which have tests of their own. */
function kongYml(settings: Readonly<Record<string, unknown>>, upstream: string): string {
  const plugin = (serve: string) => ({
    name: 'mcp-oidc',
    config: { ...withoutNulls(settings), serve },
  })
  return stringify({
    _format_version: '3.0',
    services: [
      {
        name: 'mcp-server',
        url: upstream,
        routes: [
          { name: 'mcp', paths: ['/mcp'], strip_path: false, plugins: [plugin('resource')] },
        ],
      },
    ],
    routes: [{ name: 'oauth', paths: ['/'], plugins: [plugin('authorization')] }],
  })
}

/** Kong adds members of its own to a configuration, which do not belong into its file. */
function withoutNulls(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kongs_own = new Set(['__plugin_id', '__seq__', '$refs', 'route_id', 'serve'])
  return Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => value !== null && !kongs_own.has(name)),
  )
}

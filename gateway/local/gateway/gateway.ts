import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectPluginServer } from '../kong-side/client.ts'
import { announce } from './announce.ts'
import { externalPhases } from './external-phases.ts'
import { queryPlugin } from './external-plugin.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { createInstances } from './instances.ts'
import type { KeyPair } from './key-pair.ts'
import { createKongMetrics } from './kong-metrics.ts'
import { createProxyServer, listen } from './listeners.ts'
import type { Listener } from './listeners.ts'
import { loadGeneration } from './load-generation.ts'
import type { Parts } from './native-plugin.ts'
import { createMemoryCounters } from './rate-limit-counters.ts'
import { createServerStatistics } from './server-statistics.ts'
import { serveRequests } from './serve-requests.ts'
import { statusRoutes } from './status-routes.ts'

export type { GatewayOptions } from './gateway-options.ts'

export interface Gateway {
  readonly url: string
  readonly port: number
  /** Undefined where nothing was asked to listen. */
  readonly tls_port: number | undefined
  readonly status_port: number | undefined
  /**
   * Puts the file into force as it is now, for every request from then on; those under way end with
   * what they began with. Throws ConfigurationError with every problem, and leaves all as it was.
   */
  readonly reload: () => Promise<void>
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>
}

const PLUGIN_SERVER = join(import.meta.dirname, '../../plugin-server/main.ts')

/**
 * Starts the local gateway: Kong's configuration, Kong's plugin protocol, for laptops and tests.
 * Throws ConfigurationError with every problem of the file, or the error of listening.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { environment, log, host = '127.0.0.1', max_body_bytes = 2 ** 20, now = Date.now } = options
  const external_plugin = options.external_plugin ?? (await queryPlugin(PLUGIN_SERVER))
  const node_id = randomUUID()
  const { plugin_server_timeout: read_timeout_ms } = options
  const client = connectPluginServer(
    options.plugin_server_socket,
    read_timeout_ms === undefined ? {} : { read_timeout_ms },
  )
  const metrics = createKongMetrics(node_id)
  const counters = createMemoryCounters()
  const { print = (line, path) => log({ msg: 'printed by a plugin', path, line }) } = options
  const parts: Parts = { log, now, counters, metrics, print }
  const { dangerously_proxy_without_plugin_server = false, enforce_guards = true, tls } = options
  const instances = createInstances(
    parts,
    entity => externalPhases(entity, client, { node_id, dangerously_proxy_without_plugin_server }),
    log,
  )
  const load = () =>
    loadGeneration(
      { config_file: options.config_file, tls, enforce_guards },
      { environment, external_plugin },
      instances,
    )
  let current = await load()
  announce(current.configuration, log)

  const folder = await mkdtemp(join(tmpdir(), 'local-gateway-'))
  const statistics = createServerStatistics()
  const serve = serveRequests(() => current.generation, { max_body_bytes, folder, log, now })
  const listeners: Listener[] = []
  const retiring = new Set<Promise<void>>()
  let closing = false
  const close = async (): Promise<void> => {
    closing = true
    await Promise.all(listeners.map(listener => listener.close()))
    await Promise.all([...retiring, current.generation.retire()])
    client.close()
    await rm(folder, { recursive: true, force: true })
  }
  const add = async (server: ReturnType<typeof createProxyServer>, port: number) => {
    const listener = await listen(server, host, port)
    listeners.push(listener)
    return listener
  }
  const open = async () => {
    const proxy = (pair?: KeyPair) => {
      const server = createProxyServer(serve, pair)
      statistics.watch(server)
      return server
    }
    const status = createServer(
      statusRoutes({
        metrics,
        statistics: statistics.read,
        notReady: () => (closing ? 'draining' : undefined),
        configuration_hash: () => current.hash,
      }),
    )
    const { status_port } = options
    return {
      http: await add(proxy(), options.port),
      https: tls && (await add(proxy(current.key_pair), tls.port)),
      status: status_port === undefined ? undefined : await add(status, status_port),
    }
  }
  const { http, https, status } = await open().catch(async (error: unknown) => {
    await close()
    throw error
  })

  const reload = async (): Promise<void> => {
    const next = await load()
    const before = current
    current = next
    if (next.key_pair) https?.setKeyPair?.(next.key_pair)
    announce(next.configuration, log)
    log({ msg: 'reloaded', configuration_hash: next.hash })
    // After its last request; what then fails to close tells of it by itself.
    const retired = before.generation.retire()
    retiring.add(retired)
    void retired.then(() => retiring.delete(retired))
  }
  let reloading = Promise.resolve()
  const url = `http://${host}:${http.port}`
  log({ msg: 'listening', url, notice: 'for development and tests: production runs Kong' })
  return {
    url,
    port: http.port,
    tls_port: https?.port,
    status_port: status?.port,
    reload() {
      const turn = reloading.then(reload)
      reloading = turn.catch(() => undefined)
      return turn
    },
    close,
  }
}

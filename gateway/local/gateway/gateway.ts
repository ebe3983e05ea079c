import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectPluginServer } from '../kong-side/client.ts'
import { loadConfiguration } from './configuration.ts'
import type { Route } from './configuration.ts'
import { errorExit } from './exchange.ts'
import type { Log } from './exchange.ts'
import { queryPlugin } from './external-plugin.ts'
import type { ExternalPlugin } from './external-plugin.ts'
import { handleRequest } from './handle-request.ts'
import { announce, preparePhases } from './prepare-phases.ts'
import { readExchange } from './read-exchange.ts'
import { respond } from './respond.ts'
import { createRouter } from './router.ts'

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
  readonly log: Log
  /** The plugin behind the socket; asked from the plugin server's program when it is not given. */
  readonly external_plugin?: ExternalPlugin
  /** Longest request body, bytes; 1 MiB unless told. A longer one is answered 413. */
  readonly max_body_bytes?: number
  /** Whether the equivalent of the `post-function` snippet runs. A test switches it off. */
  readonly enforce_guards?: boolean
}

export interface Gateway {
  readonly url: string
  readonly port: number
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

const PLUGIN_SERVER = join(import.meta.dirname, '../../plugin-server/main.ts')

/**
 * Starts the local gateway: Kong's configuration, Kong's plugin protocol, for laptops and tests.
 * Throws ConfigurationError with every problem of the file, or the error of listening.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, host = '127.0.0.1', max_body_bytes = 2 ** 20 } = options
  const external_plugin = options.external_plugin ?? (await queryPlugin(PLUGIN_SERVER))
  const text = await readFile(options.config_file, 'utf8')
  const routes = loadConfiguration(text, { environment: options.environment, external_plugin })
  announce(routes, log)

  const client = connectPluginServer(options.plugin_server_socket)
  const folder = await mkdtemp(join(tmpdir(), 'local-gateway-'))
  const { enforce_guards = true } = options
  const phases = preparePhases(routes, client, { enforce_guards })
  const handling = {
    router: createRouter(routes),
    phases: (route: Route) => phases.get(route) ?? [],
  }
  let port = options.port

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now()
    const exchange = readExchange(request, { port, max_body_bytes, folder, log })
    const route = exchange && (await handleRequest(exchange, response, handling))
    if (!exchange) respond(response, errorExit(400, 'Bad request', ''), () => undefined)
    const { statusCode: status } = response
    const duration_ms = Math.round(performance.now() - started)
    const request_id = exchange?.request_id
    log({ msg: 'request', method: request.method, route, status, duration_ms, request_id })
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      log({ msg: 'request failed', level: 'err', reason: String(error) })
      response.destroy()
    })
  })
  // Node would leave out the headers beyond a thousand without a word.
  server.maxHeadersCount = 0
  const close = async (): Promise<void> => {
    client.close()
    await stop(server)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    await close()
    throw error
  }
  port = (server.address() as AddressInfo).port
  const url = `http://${host}:${port}`
  log({ msg: 'listening', url, notice: 'for development and tests: production runs Kong' })
  return { url, port, close }
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

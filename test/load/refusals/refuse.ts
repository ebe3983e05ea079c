import { readFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { loadConfiguration } from '../../../gateway/local/gateway/configuration.ts'
import { queryPlugin } from '../../../gateway/local/gateway/external-plugin.ts'
import { connectPluginServer } from '../../../gateway/local/kong-side/client.ts'
import type { LocalSystem } from '../local-system.ts'
import { plugin_server_program } from '../parts.ts'
import { requestTool, toolCall } from '../tool-request.ts'
import type { MeasuredChild } from './measured-child.ts'
import { refusedTokens } from './refused-tokens.ts'

/** One way to have requests refused. Rejects as soon as one is not. */
export interface Refuser {
  refuseOne(): Promise<void>
  close(): void
}

/** Milliseconds until a client gives up. */
const patience = 30_000

/** Requests to the gateway, over connections that stay open. */
export function throughGateway(
  { keys, url }: LocalSystem<MeasuredChild>,
  at_once: number,
): Refuser {
  const agent = new Agent({ keepAlive: true, maxSockets: at_once })
  const next = refusedTokens(url, keys.signing_keys.keys[0]?.kid ?? '')
  const body = toolCall('whoami')
  return {
    async refuseOne() {
      const value = next()
      const headers = value === undefined ? [] : ['Authorization', value]
      const answer = await requestTool(url, { agent, headers, body, patience })
      if (answer.status !== 401)
        throw new Error(`not refused with 401: ${answer.status} ${answer.body.slice(0, 200)}`)
    },
    close: () => agent.destroy(),
  }
}

/**
 * Events as Kong sends them to the plugin server, with the configuration of the route `mcp`. Each is
 * a connection of its own: Kong drops it after an exit.
 */
export async function throughPluginServer(system: LocalSystem<MeasuredChild>): Promise<Refuser> {
  const { config_file, environment, keys, socket, url } = system
  const { routes } = loadConfiguration(await readFile(config_file, 'utf8'), {
    environment,
    external_plugin: await queryPlugin(plugin_server_program),
  })
  const entity = routes
    .find(({ name }) => name === 'mcp')
    ?.plugins.find(({ kind }) => kind === 'external')
  if (!entity) throw new Error(`${config_file} has no mcp-oidc on the route mcp`)
  const client = connectPluginServer(socket)
  const instance = await client.startInstance(entity.name, entity.config)
  const next = refusedTokens(url, keys.signing_keys.keys[0]?.kid ?? '')
  return {
    async refuseOne() {
      const value = next()
      const outcome = await client.handleEvent(instance, 'access', {
        'kong.request.get_header': () => value,
        'kong.client.get_forwarded_ip': () => '192.0.2.7',
      })
      if (outcome.kind !== 'exit' || outcome.status !== 401)
        throw new Error(`not refused with 401: ${JSON.stringify(outcome)}`)
    },
    close: () => client.close(),
  }
}

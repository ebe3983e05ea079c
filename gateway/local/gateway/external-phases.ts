import { randomUUID } from 'node:crypto'
import type { PluginServerClient } from '../kong-side/client.ts'
import { PluginServerError } from '../kong-side/client.ts'
import { errorExit } from './exchange.ts'
import type { Phases } from './exchange.ts'
import { createPdkHost } from './pdk-host.ts'
import type { ExternalEntity } from './plugin-entity.ts'

/**
 * The access phase of a plugin in the plugin server. Its instance is started by the first request,
 * as in Kong; a start that failed is tried again by the next. Without an answer the request ends
 * with 503 (Kong: 500), it is never passed on.
 */
export function externalPhases(
  { name, config }: ExternalEntity,
  client: PluginServerClient,
  node_id: string,
): Phases {
  // Kong adds such members to what the file says; a plugin has to live with them.
  const sent = { ...config, __plugin_id: randomUUID(), __seq__: 1 }
  let instance: Promise<number> | undefined

  const start = (): Promise<number> => {
    const starting = client.startInstance(name, sent)
    starting.catch(() => {
      if (instance === starting) instance = undefined
    })
    return starting
  }
  return {
    async access(exchange) {
      try {
        const id = await (instance ??= start())
        const outcome = await client.handleEvent(id, 'access', createPdkHost(exchange, node_id))
        return outcome.kind === 'exit' ? outcome : undefined
      } catch (error) {
        if (!(error instanceof PluginServerError)) throw error
        const { code, message } = error
        const { request_id } = exchange
        exchange.log({
          msg: 'plugin server failed',
          level: 'err',
          plugin: name,
          code,
          reason: message,
          request_id,
        })
        return errorExit(503, 'The plugin server is not available', request_id)
      }
    },
  }
}

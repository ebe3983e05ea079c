import { randomUUID } from 'node:crypto'
import type { PluginServerClient } from '../kong-side/client.ts'
import { PluginServerError } from '../kong-side/client.ts'
import { databaseProblem } from './database-problem.ts'
import { errorExit } from './error-exit.ts'
import { sharedRequestId } from './exchange.ts'
import type { Instance } from './exchange.ts'
import { createPdkHost } from './pdk-host.ts'
import type { ExternalEntity } from './plugin-entity.ts'

export interface ExternalOptions {
  /** Kong's `kong.node.get_id`. */
  readonly node_id: string
  /** Goes on without an answer instead of ending the request. */
  readonly dangerously_proxy_without_plugin_server: boolean
}

/** How long the plugin server may take to close an instance, milliseconds: nothing hangs on it. */
const CLOSING = 2_000

/**
 * The access phase of a plugin in the plugin server. Its instance is started by the first request,
 * as in Kong; a start that failed is tried again by the next. Without an answer the request ends
 * with 503 (Kong: 500), it is never passed on.
 */
export function externalPhases(
  { name, config }: ExternalEntity,
  client: PluginServerClient,
  { node_id, dangerously_proxy_without_plugin_server }: ExternalOptions,
): Instance {
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
        exchange.log({
          msg: 'plugin server failed',
          level: 'err',
          plugin: name,
          code,
          reason: message,
          request_id: sharedRequestId(exchange),
        })
        if (dangerously_proxy_without_plugin_server) return undefined
        return errorExit(exchange, 503, 'The plugin server is not available')
      }
    },
    problem: () => databaseProblem(config),
    async close() {
      // A start that failed has nothing to close, and was told of when it failed.
      const id = await instance?.catch(() => undefined)
      if (id !== undefined) await within(CLOSING, client.closeInstance(id))
    },
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`it took longer than ${milliseconds} ms`))
  }, milliseconds)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import type { Logger } from 'pino'

import { createConnections } from './connections.ts'
import { describeError } from './describe-error.ts'
import { Instances } from './instances.ts'
import { instanceIds, ownLifecycle } from './lifecycle.ts'
import { createServerMetrics } from './metrics.ts'
import type { ServerMetrics } from './metrics.ts'
import type { PluginModule } from './plugin.ts'
import { readinessProblems } from './readiness.ts'
import { claimSocket } from './socket-file.ts'

export interface PluginServerOptions {
  /** Path of the Unix socket. A socket that a killed server left there is replaced. */
  readonly socket: string
  readonly module: PluginModule
  readonly log: Logger
  /** Milliseconds since 1970, for the time an instance was started. */
  readonly now?: () => number
  /** How long events may go on when an instance or the server is closed, in milliseconds. */
  readonly drain_ms?: number
  /** See {@link instanceIds}: a random one by default. */
  readonly first_instance_id?: number
  /** Counted here; nobody looks at them by default. */
  readonly metrics?: ServerMetrics
}

export interface PluginServer {
  /** Why requests should not be sent here, for an operator; empty when they should. */
  problems(): Promise<readonly string[]>
  /** Stops accepting, lets running events finish, and closes the instances. */
  close(): Promise<void>
}

/**
 * Serves one plugin to Kong (`ProtoBuf:1`) from this process alone.
 * @throws when the socket cannot be listened on.
 */
export async function startPluginServer(options: PluginServerOptions): Promise<PluginServer> {
  const { socket, module, log, now, drain_ms = 10_000 } = options
  const metrics = options.metrics ?? createServerMetrics()
  const instances = new Instances({ module, log, drain_ms })
  const lifecycle = ownLifecycle(instances, instanceIds(options.first_instance_id), now)
  const connections = createConnections({ module, instances, lifecycle, log, metrics })
  metrics.watch({
    instances: () => instances.running().length,
    connections: () => connections.size(),
  })
  const server = createServer(stream => connections.serve(stream))
  await claimSocket(server, socket)
  server.on('error', err =>
    log.error({ error: describeError(err) }, 'a connection could not be accepted'),
  )
  log.info({ socket, plugin: module.Name, version: module.Version }, 'listening')

  async function close(): Promise<void> {
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    await connections.end()
    await Promise.race([closed, delay(1_000, undefined, { ref: false })])
    connections.destroy()
    await closed
    log.info('closed')
  }

  let closing: Promise<void> | undefined
  return {
    problems: () => readinessProblems({ instances, ending: () => connections.ending(), log }),
    close: () => (closing ??= close()),
  }
}

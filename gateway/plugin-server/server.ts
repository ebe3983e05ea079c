import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

import type { Logger } from 'pino'

import { describeError } from './describe-error.ts'
import { Instances } from './instances.ts'
import { createServerMetrics } from './metrics.ts'
import type { ServerMetrics } from './metrics.ts'
import type { PluginModule } from './plugin.ts'
import { readinessProblems } from './readiness.ts'
import { serveConnection } from './serve-connection.ts'
import type { ServedConnection } from './serve-connection.ts'
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
  /** See {@link Instances}: a random one by default. */
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

/** A prober asks again; Kubernetes gives up after one second unless told otherwise. Milliseconds. */
const readiness_patience = 3_000

/**
 * Serves one plugin to Kong (`ProtoBuf:1`).
 * @throws when the socket cannot be listened on.
 */
export async function startPluginServer(options: PluginServerOptions): Promise<PluginServer> {
  const { socket, module, log, now, drain_ms = 10_000 } = options
  const metrics = options.metrics ?? createServerMetrics()
  const first_id = options.first_instance_id ?? randomInt(1, 0x4000_0000)
  const instances = new Instances({ module, log, now, drain_ms, first_id })
  const connections = new Set<ServedConnection>()
  metrics.watch({
    instances: () => instances.running().length,
    connections: () => connections.size,
  })
  let has_ended = false
  const ending = () => has_ended

  const server = createServer(stream => {
    const connection = serveConnection(stream, { module, instances, log, metrics, ending })
    connections.add(connection)
    stream.once('close', () => connections.delete(connection))
  })
  await claimSocket(server, socket)
  server.on('error', err =>
    log.error({ error: describeError(err) }, 'a connection could not be accepted'),
  )
  log.info({ socket, plugin: module.Name, version: module.Version }, 'listening')

  async function close(): Promise<void> {
    has_ended = true
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const connection of connections) if (!connection.busy()) connection.frames.destroy()
    await instances.closeAll()
    for (const connection of connections) connection.frames.end()
    await Promise.race([closed, delay(1_000, undefined, { ref: false })])
    for (const connection of connections) connection.frames.destroy()
    await closed
    log.info('closed')
  }

  let closing: Promise<void> | undefined
  return {
    problems: () => readinessProblems({ instances, ending, log, patience: readiness_patience }),
    close: () => (closing ??= close()),
  }
}

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { collectDefaultMetrics } from 'prom-client'
import { KEEP_ALIVE } from '../mcp-server/keep-alive.ts'
import { startMetricsServer } from '../mcp-server/metrics-server.ts'
import { stopServer } from '../mcp-server/stop-server.ts'
import { openDatabase } from '../storage/database.ts'
import { migrate } from '../storage/migrate.ts'
import { createApp } from './app.ts'
import type { Environment } from './environment.ts'
import { createMetrics } from './metrics.ts'

/** Milliseconds that running requests have to finish before they are cut. */
const DRAIN_LIMIT = 10_000

export interface Running {
  readonly port: number
  /** Takes no new requests, lets the running ones finish, and closes the database. */
  stop(): Promise<void>
}

/**
 * Starts the console: the database first, so that it listens only when it can serve. The gateway is
 * asked for when somebody signs in. Rejects with a message for the operator, and nothing is left open.
 */
export async function start(
  settings: Environment,
  log: Logger,
  now: () => number,
): Promise<Running> {
  const db = openDatabase(settings.database_url, {
    application_name: 'console',
    on_error: error => log.warn({ err: error }, 'a database connection was lost'),
  })
  try {
    await migrate(db).catch((cause: unknown) => {
      throw new Error('the database cannot be used; is it running, and is DATABASE_URL right?', {
        cause,
      })
    })
    const metrics = createMetrics()
    const store = { db, ring: settings.storage_keys }
    const server = createServer(
      { keepAliveTimeout: KEEP_ALIVE },
      createApp({ settings, store, log, metrics, now }),
    )
    const port = await listen(server, settings)
    log.info({ host: settings.host, port }, 'listening')
    collectDefaultMetrics({ register: metrics.registry })
    const status =
      settings.metrics &&
      startMetricsServer({ ...settings.metrics, log, metrics: () => metrics.registry.metrics() })
    return {
      port,
      async stop() {
        await stopServer(server, DRAIN_LIMIT)
        await status?.close()
        await db.destroy()
      },
    }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

async function listen(server: Server, { host, port }: Environment): Promise<number> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (!taken) throw error
    throw new Error(`port ${port} of ${host} is taken; set PORT to another one`, { cause: error })
  }
  return (server.address() as AddressInfo).port
}

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { collectDefaultMetrics } from 'prom-client'
import { createAuditWriter } from '../storage/audit-writer.ts'
import { type Database, openDatabase } from '../storage/database.ts'
import { createRefusalTally } from '../storage/refusal-tally.ts'
import { migrate } from '../storage/migrate.ts'
import { createApp } from './app.ts'
import { openProductDatabase, type ProductDatabase } from './data/database.ts'
import { migrateProduct } from './data/migrate.ts'
import { seedProduct } from './data/seed.ts'
import type { Environment } from './environment.ts'
import { remoteKeys } from './identity/remote-keys.ts'
import { verifyIdentity } from './identity/verify-identity.ts'
import { KEEP_ALIVE } from './keep-alive.ts'
import { createMetrics } from './metrics.ts'
import { startMetricsServer } from './metrics-server.ts'
import { openPermissions } from './permissions/open-permissions.ts'
import { stopServer } from './stop-server.ts'
import { createOpenRequests } from './streams/open-requests.ts'
import { watchConnections } from './streams/watch-connections.ts'
import { type Tracer, untraced } from './tracing/tracer.ts'

/** An identity with hundreds of roles is longer than Node's own limit of 16 KiB. */
const most_header_bytes = 64 * 1024

/** Milliseconds for a connection, and for a write, to the audit trail. */
const AUDIT_TIMEOUT = 5_000

/** Milliseconds that running calls have to finish before the connections are cut. */
const DRAIN_LIMIT = 10_000

export interface Running {
  readonly port: number
  /** Takes no new requests, lets the running ones finish, and closes the databases. */
  stop(): Promise<void>
}

/** Milliseconds, for differences; and since the epoch. */
export interface Clocks {
  readonly clock: () => number
  readonly now: () => number
}

/**
 * Starts the server: databases first, so that it listens only when it can serve. Rejects with a
 * message for the operator when a part does not come up; nothing is left open then.
 */
export async function start(
  environment: Environment,
  log: Logger,
  { clock, now }: Clocks,
): Promise<Running> {
  const permissions = await openPermissions(environment, log, clock)
  const report = (error: Error) => log.warn({ err: error }, 'a database connection was lost')
  const url = environment.database_url
  const audit = openDatabase(url, { application_name: 'mcp-server-audit', on_error: report })
  // Nothing else uses it, and what cannot be written is known soon.
  const audit_writes = openDatabase(url, {
    application_name: 'mcp-server-audit-writes',
    max: 1,
    connect_timeout: AUDIT_TIMEOUT,
    statement_timeout: AUDIT_TIMEOUT,
    on_error: report,
  })
  const trail = createAuditWriter({ db: audit_writes, clock })
  const tally = createRefusalTally({
    async record(event) {
      await trail.write(event)
      log.info({ event }, 'audit')
    },
    now,
    failed: (error, lost) =>
      log.error({ err: error, lost }, 'refusals that were counted are not on record yet'),
  })
  const data = openProductDatabase(url, report)
  const metrics = createMetrics({ audit_lag: () => trail.lag() / 1000, clock })
  const keys = remoteKeys(environment.jwks_url)
  const tracer = await createTracer(environment.otlp_endpoint, log)
  const requests = createOpenRequests(connection_id =>
    log.info({ connection_id }, 'requests of an ended connection are broken off'),
  )
  const connections = watchConnections({ database_url: url, db: audit, requests, log, clock })
  const close = async () => {
    permissions.close()
    await connections.close()
    await tracer
      .close()
      .catch((error: unknown) => log.warn({ err: error }, 'the last spans could not be exported'))
    await tally.close()
    await trail.close()
    await Promise.all([audit.destroy(), audit_writes.destroy(), data.destroy()])
  }
  try {
    await prepare(audit, data, log)
    await connections.start()
    const mcp = createApp({
      verify: verifyIdentity({ ...environment, keys }),
      data,
      audit,
      ...{ tally, now },
      log_ingest_token: environment.log_ingest_token,
      trail: { write: event => trail.write(event), required: environment.audit_required },
      allowed_origins: environment.allowed_origins,
      log,
      clock,
      metrics,
      tracer,
      requests,
      policy: permissions.policy,
      permissions: permissions.source,
      resource_metadata: environment.resource_metadata,
      checks: { 'keys of the gateway': () => keys.reached() },
    })
    const server = createServer(
      { maxHeaderSize: most_header_bytes, keepAliveTimeout: KEEP_ALIVE },
      mcp.app,
    )
    if (!environment.audit_required)
      log.warn(
        'AUDIT_REQUIRED is false: while the trail cannot be written, calls are not on record',
      )
    const port = await listen(server, environment)
    log.info({ host: environment.host, port }, 'listening')
    collectDefaultMetrics({ register: metrics.registry })
    const status =
      environment.metrics &&
      startMetricsServer({ ...environment.metrics, log, metrics: () => metrics.registry.metrics() })
    const stop = async () => {
      await stopServer(server, DRAIN_LIMIT, () => mcp.drain())
      await status?.close()
      await close()
    }
    return { port, stop }
  } catch (error) {
    await close()
    throw error
  }
}

/** What tracing needs is loaded only where spans are sent to somebody. */
async function createTracer(endpoint: string | undefined, log: Logger): Promise<Tracer> {
  if (endpoint === undefined) return untraced
  const { createOtlpTracer } = await import('./tracing/otlp.ts')
  return createOtlpTracer(endpoint, 'mcp-server', log)
}

async function prepare(audit: Database, data: ProductDatabase, log: Logger): Promise<void> {
  try {
    await migrate(audit)
    await migrateProduct(data)
    if (await seedProduct(data)) log.info('sample data written')
  } catch (error) {
    throw new Error('the database cannot be used; is it running, and is DATABASE_URL right?', {
      cause: error,
    })
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

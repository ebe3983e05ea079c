import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Express } from 'express'
import {
  countActiveConnections,
  findConnection,
  touchConnection,
} from '../../storage/connections.ts'
import { agreeOnKeys } from '../../storage/agree-on-keys.ts'
import { createAuditWriter } from '../../storage/audit-writer.ts'
import { openDatabase } from '../../storage/database.ts'
import { listenForConnections } from '../../storage/listener.ts'
import { publishSettings } from '../../storage/gateway-settings.ts'
import { migrate } from '../../storage/migrate.ts'
import { poolUse } from '../../storage/pool-use.ts'
import type { Store } from '../../storage/store.ts'
import { createAudit, requestId, type RuntimeAudit } from './audit.ts'
import { type AnswerRequest, answerRequests } from './authorization/answer-request.ts'
import { createAuthorizationApp } from './authorization/app.ts'
import { openClientDocuments } from './authorization/client-documents/open-client-documents.ts'
import { clientKind } from './authorization/clients/client-kind.ts'
import { createClients } from './authorization/clients/clients.ts'
import { errorPage, signOutPages } from './authorization/error-page.ts'
import { createOAuthEndpoints } from './authorization/oauth-endpoints.ts'
import { createProvider } from './authorization/provider.ts'
import { admitRefreshes } from './authorization/refresh/admit.ts'
import { currentConnection } from './authorization/refresh/refreshing.ts'
import { serveStructuredTokens } from './authorization/structured-tokens.ts'
import { auditTokens } from './authorization/token-audit.ts'
import { ringMarks } from './config/ring-marks.ts'
import type { Settings } from './config/settings.ts'
import { publicSettings } from './config/public-settings.ts'
import { createConsentService } from './consent/external/consent-service.ts'
import { createEnd } from './connections/end.ts'
import { cacheConnections } from './door/connection-cache.ts'
import { createDoor, type Door } from './door/door.ts'
import { meteredDoor } from './door/metered-door.ts'
import type { Log } from './log.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { rememberFor } from './remember.ts'
import { createPages } from './pages/pages.ts'
import { createProbe } from './probe.ts'
import { createBounces } from './sign-in/bounces.ts'
import { confirmPeople } from './sign-in/confirm-person.ts'
import type { Flow } from './sign-in/flow.ts'
import { createTransactions } from './sign-in/transactions.ts'
import { createUpstream } from './sign-in/upstream.ts'
import { tracedFetch } from './tracing/traced-fetch.ts'
import { createTracer } from './tracing/create-tracer.ts'
import type { Tracer } from './tracing/tracer.ts'

/** Everything one configuration needs, shared by all of Kong's instances of it. */
export interface Runtime {
  readonly door: Door
  readonly app: Express
  /** As `app` does. */
  readonly answer: AnswerRequest
  readonly audit: RuntimeAudit
  /** For the requests that are answered here. */
  readonly tracer: Tracer
  /** Resolves once the database is migrated; tries again after a failure. Rejects while it cannot. */
  ready(): Promise<void>
  /** Whether `ready` has resolved: then nobody has to wait for it. */
  isReady(): boolean
  /** Resolves when the database answers, now. Rejects with words for an operator. */
  answers(): Promise<void>
  close(): Promise<void>
}

/** `now` in milliseconds. Opens no connection before the first request. */
export function createRuntime(
  settings: Settings,
  log: Log,
  now: () => number,
  metrics: Metrics = createMetrics(),
): Runtime {
  const db = openDatabase(settings.database_url, {
    application_name: 'mcp-oidc',
    on_error: error => log.warn({ err: error }, 'a database connection was lost'),
  })
  const store: Store = { db, ring: settings.storage_keys }
  const audit_db = openDatabase(settings.database_url, {
    application_name: 'mcp-oidc audit',
    max: 1,
    on_error: error => log.warn({ err: error }, 'a database connection was lost'),
  })
  const trail = createAuditWriter({ db: audit_db, clock: now })
  const audit = createAudit({
    ...{ writer: trail, log, metrics, now },
    kindOf: client_id => clientKind(client_id, settings),
  })
  const pages = createPages(settings)
  // The door has connections of its own: a flood of registrations does not keep callers waiting.
  const door_db = openDatabase(settings.database_url, {
    application_name: 'mcp-oidc door',
    max: 4,
    on_error: error => log.warn({ err: error }, 'a database connection was lost'),
  })
  const listener = listenForConnections({
    url: settings.database_url,
    application_name: 'mcp-oidc',
    now,
    on_ended(id, lag) {
      connections.forget(id)
      metrics.revocation(lag / 1000)
    },
    on_changed: id => connections.forget(id),
    on_gap: () => connections.forgetAll(),
    on_lost: error => log.warn({ err: error }, 'ended connections cannot be heard of for now'),
  })
  const connections = cacheConnections({
    find: id => findConnection({ ...store, db: door_db }, id),
    confirmedAt: () => listener.confirmedAt(),
    grace: settings.stale_connection_grace,
    now,
  })
  const end = createEnd(store, audit)
  const tracer = createTracer(settings.otlp_endpoint, log)
  const askUpstream = tracedFetch(tracer)
  const upstreams = new Map(
    settings.identity_providers.map(idp => [
      idp.id,
      createUpstream(idp, `${settings.issuer}/callback/${idp.id}`, askUpstream),
    ]),
  )
  const documents = openClientDocuments(settings, now)
  const clients = createClients(store, settings, documents)
  const provider = createProvider(settings, {
    store,
    end,
    clients,
    documents,
    now,
    findConnection: id => currentConnection(store, id),
    admitRefresh: admitRefreshes({ settings, store, upstreams, end, log, now }),
    confirmPerson: confirmPeople({ settings, store, upstreams, audit, log, now }),
    renderError: errorPage(pages, log),
    renderSignOut: signOutPages(pages, settings),
  })
  provider.on('server_error', (ctx, error) =>
    log.error(
      { err: error, route: ctx.oidc.route, request_id: requestId(ctx.req) },
      'oidc-provider failed',
    ),
  )
  // Koa's own event: whatever escapes oidc-provider's error handling.
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown, ctx?: { readonly req: IncomingMessage }) =>
    log.error({ err: error, request_id: ctx && requestId(ctx.req) }, 'oidc-provider failed'),
  )
  auditTokens(
    provider,
    audit,
    id => currentConnection(store, id),
    id => touchConnection(store, id),
  )
  serveStructuredTokens(provider, {
    settings,
    now,
    findConnection: id => findConnection(store, id),
    end,
  })
  const transactions = createTransactions(store, now)
  let migrated: Promise<void> | undefined
  let is_ready = false
  const ready = () => {
    migrated ??= migrate(db)
      .then(async () => agreeOnKeys(db, settings.issuer, await ringMarks(settings)))
      .then(() => publishSettings(db, settings.issuer, publicSettings(settings)))
      .then(() => listener.start())
      .then(() => {
        is_ready = true
      })
      .catch((error: unknown) => {
        migrated = undefined
        throw error
      })
    return migrated
  }
  const door = createDoor(settings, { connection: id => connections.get(id), now })
  const stopHousekeeping = startHousekeeping({
    db,
    ready,
    retention: settings.connection_retention,
    audit_retention: settings.audit_retention,
    log,
    done: work => metrics.housekeeping(work),
  })
  metrics.providers(settings.identity_providers.map(({ id }) => id))
  const unwatch = metrics.watch(settings.issuer, {
    pools: () => ({
      authorization: poolUse(db),
      door: poolUse(door_db),
      audit: poolUse(audit_db),
    }),
    audit_lag: () => trail.lag() / 1000,
    listening: () => {
      const at = listener.confirmedAt()
      return at === undefined ? Infinity : (now() - at) / 1000
    },
    caches: () => ({ verified_tokens: door.remembered(), connections: connections.size() }),
    active_connections: rememberFor(10_000, now, () =>
      countActiveConnections(store).catch((error: unknown) => {
        log.warn({ err: error }, 'the active connections could not be counted')
        return undefined
      }),
    ),
  })
  const flow: Flow = {
    ...{ settings, provider, store, clients, transactions, upstreams, pages, audit, end, log, now },
    bounces: createBounces(store, now),
    consent_service:
      settings.external_consent && createConsentService(settings.external_consent, askUpstream),
  }
  const oauth = createOAuthEndpoints(flow, ready)
  const app = createAuthorizationApp(flow, oauth, ready)
  return {
    door: meteredDoor(door, metrics),
    audit,
    app,
    answer: answerRequests(app, oauth),
    tracer,
    ready,
    isReady: () => is_ready,
    answers: createProbe(db, ready, log),
    async close() {
      unwatch()
      await stopHousekeeping()
      await audit.close()
      await trail.close()
      await Promise.all([
        listener.close(),
        tracer.close(),
        ...[db, door_db, audit_db].map(database => database.destroy()),
      ])
    },
  }
}

import type { EventEmitter } from 'node:events'
import type { Express } from 'express'
import { findConnection } from '../../storage/connections.ts'
import { openDatabase } from '../../storage/database.ts'
import { migrate } from '../../storage/migrate.ts'
import type { Store } from '../../storage/store.ts'
import { createAudit } from './audit.ts'
import { createAuthorizationApp } from './authorization/app.ts'
import { errorPage, signOutPages } from './authorization/error-page.ts'
import { createProvider } from './authorization/provider.ts'
import { auditTokens } from './authorization/token-audit.ts'
import type { Settings } from './config/settings.ts'
import { cacheConnections } from './door/connection-cache.ts'
import { createDoor, type Door } from './door/door.ts'
import type { Log } from './log.ts'
import { createPages } from './pages/pages.ts'
import { createTransactions } from './sign-in/transactions.ts'
import { createUpstream } from './sign-in/upstream.ts'

/** Everything one configuration needs, shared by all of Kong's instances of it. */
export interface Runtime {
  readonly door: Door
  readonly app: Express
  /** Resolves once the database is migrated; tries again after a failure. Rejects while it cannot. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** `now` in milliseconds. Opens no connection before the first request. */
export function createRuntime(settings: Settings, log: Log, now: () => number): Runtime {
  const db = openDatabase(settings.database_url, { application_name: 'mcp-oidc' })
  const store: Store = { db, ring: settings.storage_keys }
  const audit = createAudit(db, log)
  const pages = createPages(settings)
  const connections = cacheConnections(
    id => findConnection(store, id),
    settings.stale_connection_grace,
  )
  const provider = createProvider(settings, {
    store,
    now,
    findConnection: id => findConnection(store, id),
    renderError: errorPage(pages, log),
    renderSignOut: signOutPages(pages, settings),
  })
  provider.on('server_error', (ctx, error) =>
    log.error({ err: error, path: ctx.path }, 'oidc-provider failed'),
  )
  // Koa's own event: whatever escapes oidc-provider's error handling.
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => log.error({ err: error }, 'oidc-provider failed'))
  auditTokens(provider, audit, id => findConnection(store, id))
  const upstreams = new Map(
    settings.identity_providers.map(idp => [
      idp.id,
      createUpstream(idp, `${settings.issuer}/callback/${idp.id}`),
    ]),
  )
  const transactions = createTransactions(store, now)
  let migrated: Promise<void> | undefined
  return {
    door: createDoor(settings, { connection: id => connections.get(id), now }),
    app: createAuthorizationApp({
      settings,
      provider,
      store,
      transactions,
      upstreams,
      pages,
      audit,
      log,
      now,
    }),
    ready() {
      migrated ??= migrate(db).catch((error: unknown) => {
        migrated = undefined
        throw error
      })
      return migrated
    },
    close: () => db.destroy(),
  }
}

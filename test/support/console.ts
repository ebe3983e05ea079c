import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { pino } from 'pino'
import { parseEnvironment } from '../../console/environment.ts'
import { createMetrics } from '../../console/metrics.ts'
import { type Browser, createBrowser, type Page } from '../../gateway/local/demo/browser.ts'
import { userId } from '../../plugins/mcp-oidc/sign-in/person.ts'
import { describeError } from '../../storage/describe-error.ts'
import type { Store } from '../../storage/store.ts'
import {
  type AuthorizationServer,
  formOf,
  openAuthorizationServer,
} from './authorization-server.ts'
import { type Company, type CompanyOptions, openCompany } from './company.ts'
import { secretRing } from './config.ts'

/** The console beside the authorization server, at one origin, as Kong has them. */
export interface ConsoleServer extends AuthorizationServer {
  readonly store: Store
  readonly company: Company
  /** The gateway's id of a development user, by the subject at the company. */
  userId(sub: string): string
  /** What the console logged, a JSON line each. */
  readonly console_log: readonly string[]
  /** As if the identity provider had been asked about everybody so many seconds ago. */
  lastAsked(seconds: number): Promise<void>
}

export interface ConsoleOptions {
  /** Settings of the gateway that differ from those of test/support/config.ts. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly company?: CompanyOptions
  /** Variables of the console that differ from the usual ones. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The console's registration as it is in config/kong.yml. */
export const consoleClient = (client_secret: string) => ({
  client_id: 'console',
  name: 'Console',
  first_party: true,
  redirect_uris: ['/console/callback'],
  post_logout_redirect_uris: ['/console/signed-out'],
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret,
})

export async function openConsole(options: ConsoleOptions = {}): Promise<ConsoleServer> {
  const client_secret = randomBytes(24).toString('base64url')
  const storage_keys = secretRing('storage')
  let company: Company | undefined
  const server = await openAuthorizationServer(async url => {
    company = await openCompany(url, { settings: { roles_claim: 'roles' }, ...options.company })
    return {
      storage_keys,
      identity_providers: [company.setting],
      clients: [consoleClient(client_secret)],
      ...options.settings,
    }
  })
  if (!company) throw new Error('the authorization server was opened without a company')
  const { issuer } = company
  const closeCompany = () => company?.close()
  const settings = parseEnvironment({
    DATABASE_URL: server.database_url,
    GATEWAY_URL: server.url,
    STORAGE_KEYS: storage_keys,
    CONSOLE_COOKIE_KEYS: secretRing('console'),
    CONSOLE_CLIENT_SECRET: client_secret,
    METRICS_PORT: 'off',
    ...options.environment,
  })
  const console_log: string[] = []
  const log = pino(
    { serializers: { err: describeError } },
    { write: line => void console_log.push(line) },
  )
  const store = { db: server.db, ring: settings.storage_keys }
  // Only now: Jest cannot load a package of the ESM kind for one of the other kind while it loads it.
  const { createApp } = await import('../../console/app.ts')
  const now = Date.now
  server.put('/console', createApp({ settings, store, log, metrics: createMetrics(), now }))
  return {
    ...server,
    store,
    console_log,
    company,
    userId: sub => userId({ iss: issuer, sub }),
    async lastAsked(seconds) {
      await sql`
        update signed_in_people
        set idp_asked_at = now() - make_interval(secs => ${seconds})`.execute(server.db)
    },
    async close() {
      await server.close()
      await closeCompany()
    },
  }
}

/** Somebody in a browser of their own, signed in to the console. `page` is what they see first. */
export interface Visitor {
  readonly browser: Browser
  readonly page: Page
}

/** Signs in at the console, beginning with one of its pages. */
export async function visit(
  { url }: Pick<ConsoleServer, 'url'>,
  username: string,
  path = '/console',
  browser = createBrowser(),
): Promise<Visitor> {
  const choice = await browser.open(new URL(path, url))
  const company = await browser.submit(choice, formOf(choice), {
    press: { name: 'provider', value: 'dev' },
  })
  const fields = { username, password: 'password' }
  return { browser, page: await browser.submit(company, formOf(company), { fields }) }
}

/** The Cookie header of somebody who is signed in. */
export async function cookieOf(
  server: Pick<ConsoleServer, 'url'>,
  username: string,
): Promise<string> {
  const { browser } = await visit(server, username)
  return browser.cookies.header(new URL(server.url), { same_site: true, safe: true }) ?? ''
}

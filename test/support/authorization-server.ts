import { createHash, randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Browser,
  type BrowserOptions,
  createBrowser,
  type Page,
} from '../../gateway/local/demo/browser.ts'
import { createIdentityProvider } from '../../gateway/local/idp/identity-provider.ts'
import type { User } from '../../gateway/local/idp/users.ts'
import { parseConfig, type Settings } from '../../plugins/mcp-oidc/config/settings.ts'
import { createMetrics, type Metrics } from '../../plugins/mcp-oidc/metrics.ts'
import { createRuntime, type Runtime } from '../../plugins/mcp-oidc/runtime.ts'
import { openDatabase, type Database } from '../../storage/database.ts'
import { rawConfig } from './config.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { createTestDatabase } from './database.ts'
import { recordingLog } from './fake-kong.ts'

export const callback = 'http://127.0.0.1:53682/callback'

/** The authorization server in process, with a real PostgreSQL and a real identity provider. */
export interface AuthorizationServer {
  readonly url: string
  readonly idp_url: string
  readonly settings: Settings
  readonly runtime: Runtime
  readonly metrics: Metrics
  readonly db: Database
  readonly log: ReturnType<typeof recordingLog>
  readonly database_url: string
  /** Has another program answer what is under a path of this origin, as Kong has the console. */
  put(path: string, listener: RequestListener): void
  close(): Promise<void>
}

type Changes = Readonly<Record<string, unknown>>

/** What `changes` says of its settings may depend on its address; `now` in milliseconds. */
export async function openAuthorizationServer(
  changes: ChangesFor = {},
  options: ServerOptions = {},
): Promise<AuthorizationServer> {
  const parts = createParts(line => console.error(line))
  try {
    return await bringUp(parts, changes, options)
  } catch (error) {
    // What is left listening would keep the test run from ending.
    await parts.stop()
    throw error
  }
}

type ChangesFor = Changes | ((url: string) => Changes | Promise<Changes>)

interface ServerOptions {
  readonly users?: readonly User[]
  readonly now?: () => number
}

async function bringUp(
  parts: Parts,
  changes: ChangesFor,
  { users, now = Date.now }: ServerOptions,
): Promise<AuthorizationServer> {
  const database = await createTestDatabase()
  parts.add('database', () => database.drop())
  const gateway = await listen()
  parts.add('gateway', () => gateway.close())
  const company = await listen()
  parts.add('identity provider', () => company.close())
  const url = `http://localhost:${gateway.port}`
  const idp_url = `http://localhost:${company.port}`
  const client_secret = randomBytes(16).toString('hex')
  company.use(
    await createIdentityProvider({
      issuer: idp_url,
      client_secret,
      redirect_uris: [`${url}/callback/dev`],
      ...(users ? { users } : {}),
    }),
  )
  const identity_providers = [
    {
      id: 'dev',
      name: 'Company sign-in',
      issuer: idp_url,
      client_id: 'mcp-oidc-gateway',
      client_secret,
      orgs: ['acme', 'globex'],
      org_claim: 'orgs',
    },
  ]
  const { settings } = parseConfig(
    rawConfig({
      ...{ issuer: url, database_url: database.url, identity_providers },
      ...(typeof changes === 'function' ? await changes(url) : changes),
    }),
  )
  const log = recordingLog()
  const metrics = createMetrics()
  const runtime = createRuntime(settings, log, now, metrics)
  parts.add('runtime', () => runtime.close())
  await runtime.ready()
  const others = new Map<string, RequestListener>()
  gateway.use((req, res) => {
    const path = [...others.keys()].find(prefix => req.url?.startsWith(prefix))
    const listener = path === undefined ? undefined : others.get(path)
    if (listener) listener(req, res)
    else runtime.app(req, res)
  })
  const db = openDatabase(database.url)
  return {
    url,
    idp_url,
    settings,
    runtime,
    metrics,
    db,
    log,
    database_url: database.url,
    put: (path, listener) => void others.set(path, listener),
    async close() {
      await Promise.all([gateway.close(), company.close(), runtime.close(), db.destroy()])
      await database.drop()
    },
  }
}

async function listen(): Promise<{
  port: number
  use(listener: RequestListener): void
  close(): Promise<void>
}> {
  const server: Server = createServer()
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    use: listener => void server.on('request', listener),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export async function register(
  url: string,
  metadata: object = {},
): Promise<{ client_id: string; client_secret?: string }> {
  const response = await fetch(`${url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [callback], client_name: 'Test client', ...metadata }),
  })
  if (response.status !== 201)
    throw new Error(`registration: ${response.status} ${await response.text()}`)
  return (await response.json()) as { client_id: string }
}

export interface Request {
  readonly url: URL
  readonly code_verifier: string
  readonly state: string
}

export function authorizationRequest(
  url: string,
  client_id: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): Request {
  const code_verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(8).toString('hex')
  const request = new URL('/authorize', url)
  const all: Readonly<Record<string, string | undefined>> = {
    client_id,
    redirect_uri: callback,
    response_type: 'code',
    state,
    scope: 'mcp:tools',
    resource: `${url}/mcp`,
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  }
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) request.searchParams.set(name, value)
  return { url: request, code_verifier, state }
}

/** A browser that stops where the client would take over. */
export function openBrowser(fetch?: BrowserOptions['fetch']): Browser {
  return createBrowser({
    intercept: url => url.port === '53682',
    ...(fetch === undefined ? {} : { fetch }),
  })
}

/** The first form of a page; fails with what the page says when there is none. */
export function formOf(page: Page) {
  const [form] = page.forms
  if (!form)
    throw new Error(
      `no form on the page that says "${page.says}" (${page.status} ${page.url.href})`,
    )
  return form
}

/** From the client's request to the consent page. */
export async function signIn(
  browser: Browser,
  request: URL,
  username = 'alice@acme.example',
  idp = 'dev',
): Promise<Page> {
  const connect = await browser.open(request)
  const company = await browser.submit(connect, formOf(connect), {
    press: { name: 'provider', value: idp },
  })
  return browser.submit(company, formOf(company), { fields: { username, password: 'password' } })
}

/** Approves and gives what the client's redirect URI received. */
export async function approve(
  browser: Browser,
  consent: Page,
  fields: Readonly<Record<string, string>> = {},
): Promise<URLSearchParams> {
  const done = await browser.submit(consent, formOf(consent), {
    press: { name: 'decision', value: 'approve' },
    fields,
  })
  if (!done.intercepted) throw new Error(`no redirect to the client: ${done.status} "${done.says}"`)
  return done.url.searchParams
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly scope: string
  readonly token_type: string
  readonly expires_in: number
  readonly id_token?: string
}

export async function token(
  url: string,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: Tokens & { error?: string } }> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(parameters),
  })
  return { status: response.status, body: (await response.json()) as Tokens }
}

/** A whole authorization: what a client holds when it is done. */
export async function connect(
  url: string,
  username?: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
  fields: Readonly<Record<string, string>> = {},
  idp = 'dev',
) {
  const { client_id } = await register(url)
  const browser = openBrowser()
  const request = authorizationRequest(url, client_id, parameters)
  const answer = await approve(browser, await signIn(browser, request.url, username, idp), fields)
  const code = answer.get('code') ?? ''
  const redemption = {
    grant_type: 'authorization_code',
    client_id,
    code,
    redirect_uri: parameters.redirect_uri ?? callback,
    code_verifier: request.code_verifier,
  }
  return { client_id, browser, request, answer, code, redemption }
}

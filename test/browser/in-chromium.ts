import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import {
  type AuthorizationServer,
  authorizationRequest,
  register,
  token,
} from '../support/authorization-server.ts'
import { launchChromium } from './chromium.ts'
import { type ClientServers, openClientServers, web_host } from './client-servers.ts'
import { type Observed, observe } from './observe.ts'

/** How long a flow may take on a busy computer, milliseconds. */
export const patience = 60_000

/** A client's authorization request, and what it keeps for the answer. */
export interface Asked {
  readonly url: URL
  readonly client_id: string
  readonly redirect_uri: string
  readonly state: string
  readonly code_verifier: string
}

/**
 * One Chromium and one gateway for the tests of a file, and a browser of its own, with one tab, for
 * each test. No test passes when the console of a tab had an error or a page broke its own content
 * security policy.
 */
export function inChromium(open: () => Promise<AuthorizationServer>) {
  let server: AuthorizationServer
  let clients: ClientServers
  let browser: Browser
  let context: BrowserContext
  let observed: Observed
  let page: Page

  beforeAll(async () => {
    clients = await openClientServers()
    server = await open()
    browser = await launchChromium({ [web_host]: clients.https_port })
  }, patience)
  afterAll(async () => {
    await browser.close()
    await server.close()
    await clients.close()
  }, patience)
  const begin = async (options: { readonly javaScriptEnabled?: boolean } = {}) => {
    context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
    observed = observe(context)
    page = await context.newPage()
  }
  beforeEach(() => begin(), patience)
  afterEach(async () => {
    await context.close()
    expect(observed.complaints).toEqual([])
  }, patience)

  return {
    get server() {
      return server
    },
    get clients() {
      return clients
    },
    get context() {
      return context
    },
    get page() {
      return page
    },
    /** In place of the browser that this test began with. */
    async withoutJavaScript() {
      await context.close()
      await begin({ javaScriptEnabled: false })
    },

    async ask(
      redirect_uri: string = clients.web_callback,
      parameters: Readonly<Record<string, string>> = {},
      metadata: object = {},
    ): Promise<Asked> {
      const { client_id } = await register(server.url, {
        redirect_uris: [redirect_uri],
        ...metadata,
      })
      return this.askAgain({ client_id, redirect_uri }, parameters)
    },
    /** Another request of the same client. */
    askAgain(
      { client_id, redirect_uri }: Pick<Asked, 'client_id' | 'redirect_uri'>,
      parameters: Readonly<Record<string, string>> = {},
    ): Asked {
      const request = authorizationRequest(server.url, client_id, { redirect_uri, ...parameters })
      return { client_id, redirect_uri, ...request }
    },
    /** What the browser carried to the client, wherever it went on from there; undefined so far. */
    answerTo({ redirect_uri, state }: Asked): URLSearchParams | undefined {
      return observed.sent_to
        .filter(url => url.startsWith(`${redirect_uri}?`))
        .map(url => new URL(url).searchParams)
        .find(answer => answer.get('state') === state)
    },
    /** Trades the code of that answer for an access token. Gives what the token says. */
    async redeem(asked: Asked): Promise<Readonly<Record<string, string>>> {
      const { client_id, redirect_uri, code_verifier } = asked
      const answer = this.answerTo(asked)
      expect(answer?.get('iss')).toBe(server.url)
      const code = answer?.get('code') ?? ''
      const grant = { grant_type: 'authorization_code', client_id, redirect_uri, code_verifier }
      const { status, body } = await token(server.url, { ...grant, code })
      expect({ status, error: body.error }).toEqual({ status: 200, error: undefined })
      const claims = body.access_token.split('.')[1] ?? ''
      return JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string>
    },
  }
}

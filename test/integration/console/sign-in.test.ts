import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bearerToken } from '../../../plugins/mcp-oidc/door/bearer-token.ts'
import { type Browser, createBrowser } from '../../../gateway/local/demo/browser.ts'
import {
  authorizationRequest,
  formOf,
  openBrowser,
  signIn,
  token,
} from '../../support/authorization-server.ts'
import { type ConsoleServer, openConsole, visit } from '../../support/console.ts'

let server: ConsoleServer
beforeAll(async () => {
  server = await openConsole()
})
afterAll(() => server.close())

describe('signing in to the console', () => {
  it('C01 goes through the company sign-in, without consent, and back to the page that was asked for', async () => {
    const { page } = await visit(server, 'alice@acme.example', '/console?from=mail')
    expect(page.status).toBe(200)
    expect(page.url.href).toBe(`${server.url}/console?from=mail`)
    const places = page.hops.map(({ url }) => new URL(url).pathname.split('/')[1])
    expect(places).toContain('callback')
    expect(page.html).toContain('alice@acme.example')
  })

  it('C01 is told where the person signs in, and asks for nothing', async () => {
    const choice = await createBrowser().open(new URL('/console', server.url))
    expect(choice.says).toContain('Sign in to Console')
    expect(choice.html).not.toContain('will be able to')
    expect(choice.html).not.toContain('Not verified')
  })

  it('C01 makes no connection and is given no token for the resource', async () => {
    await visit(server, 'alice@acme.example')
    const connections = await server.db.selectFrom('connections').select('id').execute()
    expect(connections).toEqual([])
    const { searchParams: asked } = new URL(
      (await createBrowser().open(new URL('/console', server.url))).hops.find(({ url }) =>
        url.includes('/authorize?'),
      )?.url ?? '',
    )
    expect(asked.get('scope')).toBe('openid')
    expect(asked.has('resource')).toBe(false)
    expect(asked.get('code_challenge_method')).toBe('S256')
  })

  it('C03 keeps the session on the server: the browser has its id, signed', async () => {
    const { browser } = await visit(server, 'alice@acme.example')
    const cookie = browser.cookies.header(new URL(server.url), { same_site: true, safe: true })
    const session = /console_session=([^;]*)/.exec(cookie ?? '')?.[1]
    expect(session).toMatch(/^[\w-]{43}[.][\w-]{43}$/)
    // The last character has bits that mean nothing.
    const forged = `console_session=${session?.replace(/[.](.)/, (_, first) => (first === 'x' ? '.y' : '.x'))}`
    const answer = await fetch(`${server.url}/console`, {
      headers: { cookie: forged },
      redirect: 'manual',
    })
    expect(answer.headers.get('location')).toContain('/authorize?')
  })

  it('C03 begins a session under a new id, whatever the browser had', async () => {
    const sessionOf = (browser: Browser) =>
      /console_session=([^;]*)/.exec(
        browser.cookies.header(new URL(server.url), { same_site: true, safe: true }) ?? '',
      )?.[1]
    const { browser } = await visit(server, 'alice@acme.example')
    const before = sessionOf(browser)
    // Ended on the server alone: the browser still sends its id, well signed.
    await server.db.deleteFrom('oidc_records').where('model', '=', 'ConsoleSession').execute()
    await visit(server, 'bob@acme.example', '/console', browser)
    expect(sessionOf(browser)).toMatch(/^[\w-]{43}[.]/)
    expect(sessionOf(browser)).not.toBe(before)
  })
})

describe('what nobody may do as the console', () => {
  const basic = () =>
    `Basic ${Buffer.from(`console:${server.settings.clients[0]?.client_secret ?? ''}`).toString('base64')}`
  const redirect_uri = () => `${server.url}/console/callback`
  const ask = (parameters: Readonly<Record<string, string | undefined>>) =>
    openBrowser().open(
      authorizationRequest(server.url, 'console', {
        redirect_uri: redirect_uri(),
        scope: 'openid',
        resource: undefined,
        ...parameters,
      }).url,
    )

  it.each([
    ['another port', () => ({ redirect_uri: 'http://localhost:1/console/callback' })],
    ['another path', () => ({ redirect_uri: `${redirect_uri()}/x` })],
    [
      'another name of this computer',
      () => ({ redirect_uri: redirect_uri().replace('localhost', '127.0.0.1') }),
    ],
  ])('R04 C01 is answered at %s', async (_name, parameters) => {
    const page = await ask(parameters())
    expect(page.status).toBe(400)
    expect(page.says).toContain('may not send you back there')
  })

  it('C01 gets the resource', async () => {
    const page = await ask({ resource: `${server.url}/mcp` })
    expect(page.hops.map(({ url }) => url).join(' ')).toContain('error=invalid_target')
  })

  it('C01 gets MCP scopes or a refresh token, whatever is asked for: the console itself cannot', async () => {
    const request = authorizationRequest(server.url, 'console', {
      redirect_uri: redirect_uri(),
      scope: 'openid offline_access mcp:tools',
      prompt: 'consent',
      resource: undefined,
    })
    const browser = createBrowser({ intercept: url => url.pathname === '/console/callback' })
    const done = await signIn(browser, request.url)
    expect(done.intercepted).toBe(true)
    const { status, body } = await token(
      server.url,
      {
        grant_type: 'authorization_code',
        code: done.url.searchParams.get('code') ?? '',
        redirect_uri: redirect_uri(),
        code_verifier: request.code_verifier,
        resource: `${server.url}/mcp`,
      },
      { authorization: basic() },
    )
    // Asking for the resource here is refused as well; without it there is no more than an id_token.
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' })
  })

  it('C01 uses its token at the MCP endpoint', async () => {
    const request = authorizationRequest(server.url, 'console', {
      redirect_uri: redirect_uri(),
      scope: 'openid offline_access mcp:tools',
      prompt: 'consent',
      resource: undefined,
    })
    const browser = createBrowser({ intercept: url => url.pathname === '/console/callback' })
    const done = await signIn(browser, request.url)
    const { status, body } = await token(
      server.url,
      {
        grant_type: 'authorization_code',
        code: done.url.searchParams.get('code') ?? '',
        redirect_uri: redirect_uri(),
        code_verifier: request.code_verifier,
      },
      { authorization: basic() },
    )
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: 'openid' })
    expect(body.refresh_token).toBeUndefined()
    const verdict = await server.runtime.door.judge(bearerToken(`Bearer ${body.access_token}`))
    expect(verdict).toMatchObject({ status: 401 })
    const id_token = await server.runtime.door.judge(bearerToken(`Bearer ${body.id_token ?? ''}`))
    expect(id_token).toMatchObject({ status: 401 })
  })

  it('C01 redeems a code without the secret', async () => {
    const { status, body } = await token(server.url, {
      grant_type: 'authorization_code',
      client_id: 'console',
      code: 'x',
      redirect_uri: redirect_uri(),
      code_verifier: 'x'.repeat(43),
    })
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' })
  })

  it('C01 sends a consent form, to get a connection without having been asked', async () => {
    const browser = createBrowser({ intercept: url => url.pathname === '/console/callback' })
    const choice = await browser.open(new URL('/console', server.url))
    const company = await browser.submit(choice, formOf(choice), {
      press: { name: 'provider', value: 'dev' },
    })
    const fields = { username: 'alice@acme.example', password: 'password' }
    const done = await browser.submit(company, formOf(company), { fields })
    expect(done.intercepted).toBe(true)
    const shown = done.hops.find(({ url }) => url.includes('sign_in='))?.url ?? ''
    const answer = await fetch(shown, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ decision: 'approve' }),
    })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(await server.db.selectFrom('connections').select('id').execute()).toEqual([])
  })
})

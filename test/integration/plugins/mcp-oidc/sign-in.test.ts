import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Browser, Page } from '../../../../gateway/local/demo/browser.ts'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  register,
  signIn,
  token,
} from '../../../support/authorization-server.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const last = (type: string) =>
  server.db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', type)
    .orderBy('id', 'desc')
    .executeTakeFirst()
const connections = async () =>
  Number(
    (
      await server.db
        .selectFrom('connections')
        .select(({ fn }) => fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  )

async function begin(parameters: Readonly<Record<string, string>> = {}) {
  const { client_id } = await register(server.url)
  const browser = openBrowser()
  const request = authorizationRequest(server.url, client_id, parameters)
  return { client_id, browser, request }
}

/** Signs in at the company in `browser`, but stops before the way back. */
async function untilCallback(browser: Browser, connect: Page): Promise<URL> {
  const company = await browser.submit(connect, formOf(connect), {
    press: { name: 'provider', value: 'dev' },
  })
  const back = await browser.submit(company, formOf(company), {
    fields: { username: 'alice@acme.example', password: 'password' },
  })
  const hop = back.hops.find(({ url }) => url.startsWith(`${server.url}/callback/`))
  if (!hop) throw new Error(`no way back: ${back.says}`)
  return new URL(hop.url)
}

describe('before sign-in', () => {
  it('A03 A07 names the client and where it sends you back to, and shares nothing yet', async () => {
    const { browser, request } = await begin()
    const page = await browser.open(request.url)
    expect(page.html).toContain('Test client')
    expect(page.html).toContain('127.0.0.1')
    expect(page.html).toContain('on this computer')
    expect(page.forms[0]?.buttons).toContainEqual(
      expect.objectContaining({ name: 'provider', value: 'dev' }),
    )
    expect(page.html).not.toContain(server.idp_url)
  })

  it('A07 forbids framing and scripts', async () => {
    const { browser, request } = await begin()
    const { headers } = await browser.open(request.url)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('A07 refuses the form without its token, or with that of another transaction', async () => {
    const { browser, request, client_id } = await begin()
    const page = await browser.open(request.url)
    const other = await browser.open(authorizationRequest(server.url, client_id).url)
    const stolen = formOf(other).fields.find(({ name }) => name === 'csrf')?.value ?? ''
    for (const csrf of ['', 'nonsense', stolen]) {
      const answer = await browser.submit(page, formOf(page), {
        press: { name: 'provider', value: 'dev' },
        fields: { csrf },
      })
      expect(answer.status).toBe(403)
      expect(answer.url.origin).toBe(server.url)
    }
  })

  it('A11 says so when the cookie is lost', async () => {
    const { browser, request } = await begin()
    const page = await browser.open(request.url)
    const elsewhere = await openBrowser().open(page.url)
    expect(elsewhere.status).toBe(400)
    expect(elsewhere.says).toContain('This sign-in has expired')
  })

  it.each(['no-such-provider', '__proto__', ''])('refuses the provider %j', async value => {
    const { browser, request } = await begin()
    const page = await browser.open(request.url)
    const { buttons, ...form } = formOf(page)
    const forged = { ...form, buttons: buttons.map(button => ({ ...button, value })) }
    const answer = await browser.submit(page, forged)
    expect(answer.status).toBe(400)
  })
})

describe('A04 the way back from the company sign-in', () => {
  it('is refused in another browser: no code is redeemed, and it is on record', async () => {
    const { browser, request } = await begin()
    const way_back = await untilCallbackUnused(browser, await browser.open(request.url))
    const victim = openBrowser()
    await victim.open((await begin()).request.url)
    for (const other of [victim, openBrowser()]) {
      const page = await other.open(way_back)
      expect(page.status).toBe(403)
      expect(page.says).toContain('This sign-in was started somewhere else')
      expect(await last('sign_in')).toMatchObject({
        outcome: 'refused',
        error_code: 'other_browser',
      })
    }
    // The code was not redeemed: the right browser still can.
    const consent = await browser.open(way_back)
    expect((await approve(browser, consent)).get('state')).toBe(request.state)
  })

  it('is good once', async () => {
    const { browser, request } = await begin()
    const way_back = await untilCallback(browser, await browser.open(request.url))
    const again = await browser.open(way_back)
    expect(again.status).toBe(400)
    expect(again.says).toContain('This sign-in has expired')
  })

  it.each([
    ['an unknown state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
    ['no state', (url: URL) => url.searchParams.delete('state')],
    ['another provider', (url: URL) => void (url.pathname = '/callback/other')],
  ])('is refused with %s', async (_name, change) => {
    const { browser, request } = await begin()
    const way_back = await untilCallbackUnused(browser, await browser.open(request.url))
    change(way_back)
    const page = await browser.open(way_back)
    expect(page.status).toBe(400)
  })

  it('A05 believes no code that the provider did not issue', async () => {
    const { browser, request } = await begin()
    const way_back = await untilCallbackUnused(browser, await browser.open(request.url))
    way_back.searchParams.set('code', 'forged')
    const page = await browser.open(way_back)
    expect(page.status).toBe(502)
    expect(page.says).toContain('The company sign-in gave an unusable answer')
    expect(await last('sign_in')).toMatchObject({ outcome: 'error', error_code: 'rejected' })
  })

  it('A11 tells of an error at the provider and how to start again', async () => {
    const { browser, request } = await begin()
    const way_back = await untilCallbackUnused(browser, await browser.open(request.url))
    way_back.searchParams.delete('code')
    way_back.searchParams.set('error', 'access_denied')
    const page = await browser.open(way_back)
    expect(page.status).toBe(403)
    expect(page.html).toContain('connect again')
    expect(await last('sign_in')).toMatchObject({
      outcome: 'refused',
      error_code: 'idp_error',
      reason: 'access_denied',
    })
  })
})

/** As untilCallback, with the callback not yet asked for. */
async function untilCallbackUnused(browser: Browser, connect: Page): Promise<URL> {
  const company = await browser.submit(connect, formOf(connect), {
    press: { name: 'provider', value: 'dev' },
  })
  const form = formOf(company)
  let back: URL | undefined
  const cookie = (url: URL) => browser.cookies.header(url, { same_site: true, safe: true }) ?? ''
  let url = new URL(form.action, company.url)
  let init: RequestInit = {
    method: 'POST',
    body: new URLSearchParams({
      ...Object.fromEntries(form.fields.map(({ name, value }) => [name, value])),
      username: 'alice@acme.example',
      password: 'password',
    }),
  }
  for (let hops = 0; hops < 10 && !back; hops += 1) {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { cookie: cookie(url) },
    })
    browser.cookies.store(url, response.headers.getSetCookie(), { same_site: true, safe: true })
    url = new URL(response.headers.get('location') ?? '', url)
    init = {}
    if (url.pathname.startsWith('/callback/')) back = url
  }
  if (!back) throw new Error('no way back')
  return back
}

describe('consent', () => {
  it('A07 shows user, org, client, redirect host, scopes in words and the resource; no code exists before', async () => {
    const { browser, request } = await begin()
    const page = await signIn(browser, request.url)
    for (const text of [
      'alice@acme.example',
      'acme',
      'Test client',
      '127.0.0.1',
      'Use the tools of this server in your name',
      `${server.url}/mcp`,
      'Not verified',
    ])
      expect(page.html).toContain(text)
    const codes = await server.db
      .selectFrom('oidc_records')
      .selectAll()
      .where('model', '=', 'AuthorizationCode')
      .where('grant_id', 'is', null)
      .execute()
    expect(codes).toEqual([])
  })

  it('A07 Deny tells the client access_denied, and the trail', async () => {
    const { browser, request } = await begin()
    const page = await signIn(browser, request.url)
    const before = await connections()
    const done = await browser.submit(page, formOf(page), {
      press: { name: 'decision', value: 'deny' },
    })
    expect(done.url.href.startsWith(callback)).toBe(true)
    expect(Object.fromEntries(done.url.searchParams)).toMatchObject({
      error: 'access_denied',
      state: request.state,
      iss: server.url,
    })
    expect(await connections()).toBe(before)
    expect(await last('consent')).toMatchObject({ outcome: 'refused', email: 'alice@acme.example' })
  })

  it('A07 counts two copies opened at once as one', async () => {
    const { browser, request, client_id } = await begin()
    const first = await signIn(browser, request.url)
    const second = await browser.open(first.url)
    const before = await connections()
    const answer = await approve(browser, second)
    const copy = await browser.submit(first, formOf(first), {
      press: { name: 'decision', value: 'approve' },
    })
    expect(copy.status).toBe(400)
    expect(copy.says).toContain('This sign-in has expired')
    expect(await connections()).toBe(before + 1)
    const redeemed = await token(server.url, {
      grant_type: 'authorization_code',
      client_id,
      code: answer.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    })
    expect(redeemed.status).toBe(200)
  })

  it('A07 takes no approval without the token of the page', async () => {
    const { browser, request } = await begin()
    const page = await signIn(browser, request.url)
    const before = await connections()
    const done = await browser.submit(page, formOf(page), {
      press: { name: 'decision', value: 'approve' },
      fields: { csrf: 'forged' },
    })
    expect(done.status).toBe(403)
    expect(await connections()).toBe(before)
  })

  it('A06 takes no org that was not offered', async () => {
    const { browser, request } = await begin()
    const page = await signIn(browser, request.url, 'erin@acme.example')
    const form = formOf(page)
    const forged = {
      ...form,
      fields: form.fields.map(field =>
        field.name === 'org' ? { ...field, options: ['initech'], value: 'initech' } : field,
      ),
    }
    const before = await connections()
    const done = await browser.submit(page, forged, {
      press: { name: 'decision', value: 'approve' },
    })
    expect(done.status).toBe(400)
    expect(await connections()).toBe(before)
  })

  it('A04 every connection makes its own trip to the provider, however often this browser was here', async () => {
    const { browser, request, client_id } = await begin()
    await approve(browser, await signIn(browser, request.url))
    const again = await browser.open(authorizationRequest(server.url, client_id).url)
    expect(again.forms[0]?.buttons).toContainEqual(expect.objectContaining({ name: 'provider' }))
    const silent = await browser.open(
      authorizationRequest(server.url, client_id, { prompt: 'none' }).url,
    )
    expect(silent.url.searchParams.get('error')).toBe('interaction_required')
  })

  it.each(['login', 'consent', 'select_account', 'login consent'])(
    'lets a client ask for prompt=%s',
    async prompt => {
      const { browser, request } = await begin({ prompt })
      expect((await approve(browser, await signIn(browser, request.url))).get('code')).toEqual(
        expect.any(String),
      )
    },
  )

  it('records the approval before the code goes out', async () => {
    const { browser, request, client_id } = await begin()
    await approve(browser, await signIn(browser, request.url))
    expect(await last('consent')).toMatchObject({
      outcome: 'ok',
      email: 'alice@acme.example',
      org_id: 'acme',
      client_id,
    })
  })
})

describe('R04 R05 A02 at /authorize', () => {
  it.each([
    'https://evil.example/cb',
    'http://127.0.0.1:53682/callback/../evil',
    'http://127.0.0.1:53682@evil.example/callback',
    'javascript:alert(1)',
    `${callback}#x`,
    `${callback}%2f`,
  ])(
    'a redirect URI that was not registered gets a page, never a redirect: %s',
    async redirect_uri => {
      const { browser, request } = await begin({ redirect_uri })
      const page = await browser.open(request.url)
      expect([page.status, page.intercepted]).toEqual([400, false])
      expect(page.says).toContain('This application may not send you back there')
    },
  )

  it('accepts another loopback port', async () => {
    const { browser, request } = await begin({ redirect_uri: callback.replace('53682', '40001') })
    expect((await browser.open(request.url)).status).toBe(200)
  })

  it.each([
    ['an unknown response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a foreign resource', { resource: 'https://other.example/mcp' }, 'invalid_target'],
  ])('tells the client of %s by redirect, with state and iss', async (_name, change, error) => {
    const { browser, request } = await begin(change)
    const { url, intercepted } = await browser.open(request.url)
    expect(intercepted).toBe(true)
    const told = Object.fromEntries(new URLSearchParams(url.search || url.hash.slice(1)))
    expect(told).toMatchObject({ error, state: request.state, iss: server.url })
  })
})

describe('A04 A07 the request belongs to the browser that made it', () => {
  /** The attacker's oidc-provider cookies in a victim's browser, as a sibling domain could plant them. */
  async function planted(names: RegExp) {
    const attack = await begin()
    const page = await attack.browser.open(attack.request.url)
    const victim = openBrowser()
    await victim.open((await begin()).request.url)
    const cookies = attack.browser.cookies.all().filter(({ name }) => names.test(name))
    const lines = cookies.map(({ name, value, path }) => `${name}=${value}; Path=${path}`)
    victim.cookies.store(page.url, lines, { same_site: true, safe: true })
    return { attack, page, victim }
  }

  it.each([/^mcp_interaction/, /^mcp_(interaction|resume)/])(
    'with planted cookies %s nothing is shown, and it is on record',
    async names => {
      const { page, victim } = await planted(names)
      const shown = await victim.open(page.url)
      expect(shown.status).toBe(403)
      expect(shown.says).toContain('This sign-in was started somewhere else')
      expect(await last('sign_in')).toMatchObject({ error_code: 'other_browser' })
    },
  )

  it('the answer is carried away by no other browser', async () => {
    const { browser, request } = await begin()
    const consent = await signIn(browser, request.url)
    const thief = openBrowser()
    await thief.open((await begin()).request.url)
    const uid = consent.url.pathname.split('/').at(-1) ?? ''
    const resume = browser.cookies.all().filter(({ name }) => name.startsWith('mcp_resume'))
    const lines = resume.map(({ name, value, path }) => `${name}=${value}; Path=${path}`)
    thief.cookies.store(new URL(server.url), lines, { same_site: true, safe: true })
    const stolen = await thief.open(`${server.url}/authorize/${uid}`)
    expect([stolen.status, stolen.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ outcome: 'refused', error_code: 'other_browser' })
    expect((await approve(browser, consent)).get('state')).toBe(request.state)
  })

  it('what is approved is what the page showed, and a request is answered once', async () => {
    const { browser, request } = await begin()
    const connect = await browser.open(request.url)
    const consents: Page[] = []
    for (const username of ['carol@globex.example', 'alice@acme.example']) {
      const company = await browser.submit(connect, formOf(connect), {
        press: { name: 'provider', value: 'dev' },
      })
      const fields = { username, password: 'password' }
      consents.push(await browser.submit(company, formOf(company), { fields }))
    }
    const [carol, alice] = consents as [Page, Page]
    const swapped = { ...formOf(alice), fields: formOf(carol).fields }
    const mixed = await browser.submit(alice, swapped, {
      press: { name: 'decision', value: 'approve' },
    })
    expect(mixed.status).toBe(403)
    const answers = await Promise.all(
      consents.map(page =>
        browser.submit(page, formOf(page), { press: { name: 'decision', value: 'approve' } }),
      ),
    )
    expect(answers.filter(({ intercepted }) => intercepted)).toHaveLength(1)
    const rows = await server.db.selectFrom('connections').selectAll().execute()
    const made = rows.sort((a, b) => b.created_at.getTime() - a.created_at.getTime())[0]
    expect(await last('consent')).toMatchObject({
      connection_id: made?.id,
      org_id: made?.org_id,
      email: made?.org_id === 'globex' ? 'carol@globex.example' : 'alice@acme.example',
    })
  })
})

describe('a code lands where the client looks for it', () => {
  it.each(['fragment', 'form_post', 'web_message', 'jwt'])(
    'A02 response_mode=%s is refused',
    async response_mode => {
      const { browser, request } = await begin({ response_mode })
      const page = await browser.open(request.url)
      expect(page.forms.flatMap(({ fields }) => fields.map(({ name }) => name))).not.toContain(
        'code',
      )
      expect(page.forms.flatMap(({ buttons }) => buttons.map(({ name }) => name))).not.toContain(
        'provider',
      )
      expect(page.url.href + page.html).toMatch(/unsupported_response_mode|invalid_request/)
    },
  )
})

describe('what is old', () => {
  const expire = (model: string) =>
    server.db
      .updateTable('oidc_records')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .where('model', '=', model)
      .execute()
  const lifetimes = async (model: string) => {
    const rows = await server.db
      .selectFrom('oidc_records')
      .select('expires_at')
      .where('model', '=', model)
      .where('expires_at', '>', new Date())
      .execute()
    return rows.map(({ expires_at }) => Math.round((Number(expires_at) - Date.now()) / 1000))
  }

  it('A04 a state lives ten minutes', async () => {
    const { browser, request } = await begin()
    const way_back = await untilCallbackUnused(browser, await browser.open(request.url))
    expect(Math.max(...(await lifetimes('Transaction')))).toBeLessThanOrEqual(600)
    await expire('Transaction')
    const page = await browser.open(way_back)
    expect(page.status).toBe(400)
    expect(page.says).toContain('This sign-in has expired')
  })

  it('A01 a code lives sixty seconds', async () => {
    const { browser, request, client_id } = await begin()
    const answer = await approve(browser, await signIn(browser, request.url))
    expect(Math.max(...(await lifetimes('AuthorizationCode')))).toBeLessThanOrEqual(60)
    await expire('AuthorizationCode')
    const { status, body } = await token(server.url, {
      grant_type: 'authorization_code',
      client_id,
      code: answer.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    })
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  it('A11 a request that waited too long says so', async () => {
    const { browser, request } = await begin()
    const page = await browser.open(request.url)
    await expire('Interaction')
    const late = await browser.submit(page, formOf(page), {
      press: { name: 'provider', value: 'dev' },
    })
    expect(late.status).toBe(400)
    expect(late.says).toContain('This sign-in has expired')
  })
})

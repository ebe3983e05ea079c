import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../../../gateway/local/demo/browser.ts'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  approve,
  authorizationRequest,
  callback,
  formOf,
  openBrowser,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const { last, connections, begin, untilCallbackUnused } = signInSteps(() => server)

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
    expect(copy.says).toContain('This request was answered already')
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

describe('A11 what cannot be read', () => {
  it.each([
    ['a form that is too large', '/connect/x', 'x'.repeat(70_000), 413],
    ['an address with a broken escape', '/connect/%ff', 'csrf=x', 400],
  ])('%s gets a page, not JSON and not a stack', async (_name, path, body, status) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    const html = await response.text()
    expect(response.status).toBe(status)
    expect(html).toContain('This form could not be accepted')
    expect(html).not.toContain('    at ')
  })
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

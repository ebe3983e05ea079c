import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import {
  type AuthorizationServer,
  openAuthorizationServer,
  approve,
  authorizationRequest,
  callback,
  formOf,
  openBrowser,
} from '../../../support/authorization-server.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const { last, begin, untilCallback, untilCallbackUnused } = signInSteps(() => server)

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
    expect(again.says).toContain('This step was done already')
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

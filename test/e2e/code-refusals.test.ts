import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createBrowser } from '../../gateway/local/demo/browser.ts'
import * as person from '../../gateway/local/demo/person.ts'
import { authorizationRequest, callback, register, token } from '../support/authorization-server.ts'
import { authorize, obtainTokens, refresh } from '../support/oauth-flow.ts'
import { browserOf, signIn } from '../support/person.ts'
import { openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

let gateway: OpenGateway
beforeAll(async () => {
  gateway = await openGateway()
}, 60_000)
afterAll(() => gateway.close())

const user = 'alice@acme.example'
const outcome = ({ status, body }: Awaited<ReturnType<typeof token>>) => [status, body.error]
const refused = [400, 'invalid_grant']

describe('A01 a code', () => {
  it('is good once; its second use ends what the first one gave', async () => {
    const { redemption, client } = await authorize(gateway.url, {})
    const first = await token(gateway.url, redemption)
    expect(first.status).toBe(200)
    expect(outcome(await token(gateway.url, redemption))).toEqual(refused)
    const again = await refresh(gateway.url, client.client_id, first.body.refresh_token)
    expect(outcome(again)).toEqual(refused)
    const { access_token } = first.body
    expect((await callWhoami(gateway.url, { token: access_token })).status).toBe(401)
  })

  it('redeemed twice at once gives one success', async () => {
    const { redemption } = await authorize(gateway.url, {})
    const answers = await Promise.all([
      token(gateway.url, redemption),
      token(gateway.url, redemption),
    ])
    const outcomes = answers.map(outcome).sort()
    expect(outcomes).toEqual([[200, undefined], refused])
  })

  it.each([
    ['another verifier', { code_verifier: 'a'.repeat(43) }],
    ['the challenge of another method', { code_verifier: '' }],
    ['another redirect URI', { redirect_uri: `${callback}/x` }],
    ['another port than it was asked for', { redirect_uri: callback.replace('53682', '53683') }],
    ['another resource', { resource: 'https://other.example/mcp' }],
  ])('is refused with %s', async (_name, change) => {
    const { redemption } = await authorize(gateway.url, {})
    const { status, body } = await token(gateway.url, { ...redemption, ...change })
    expect(status).toBe(400)
    expect(body).toEqual({ error: expect.any(String), error_description: expect.any(String) })
  })

  it('is refused to another client, and to one nobody knows', async () => {
    const { redemption } = await authorize(gateway.url, {})
    const { client_id } = await register(gateway.url, { client_name: 'Another client' })
    expect(outcome(await token(gateway.url, { ...redemption, client_id }))).toEqual(refused)
    const unknown = await token(gateway.url, { ...redemption, client_id: 'nobody' })
    expect(outcome(unknown)).toEqual([401, 'invalid_client'])
  })

  it('that nobody issued is refused', async () => {
    const { redemption } = await authorize(gateway.url, {})
    for (const code of ['', 'x', 'x'.repeat(43), `${redemption.code}x`])
      expect((await token(gateway.url, { ...redemption, code })).status).toBe(400)
    expect((await token(gateway.url, redemption)).status).toBe(200)
  })
})

describe('R05 A02 a foreign redirect URI', () => {
  it.each([
    'https://evil.example/callback',
    'http://127.0.0.1:53682/other',
    'http://localhost:53682/callback',
    'https://127.0.0.1:53682/callback',
    'http://127.0.0.1:53682@evil.example/callback',
    'http://127.0.0.1.evil.example:53682/callback',
    'http://127.0.0.1:53682/callback?x=y',
    'http://127.0.0.1:53682/callback/../callback',
    'http://127.0.0.1:53682/callback#x',
    'javascript:alert(1)//127.0.0.1:53682/callback',
  ])('gets a page and no redirect: %s', async redirect_uri => {
    const { client_id } = await register(gateway.url)
    const request = authorizationRequest(gateway.url, client_id, { redirect_uri })
    const page = await createBrowser({ intercept: ({ origin }) => origin !== gateway.url }).open(
      request.url,
    )
    expect([page.status, page.intercepted]).toEqual([400, false])
    expect(page.says).toContain('may not send you back there')
  })

  it('R07 gets a page too when the client is unknown', async () => {
    const request = authorizationRequest(gateway.url, 'nobody')
    const page = await browserOf(callback).open(request.url)
    expect([page.status, page.intercepted]).toEqual([400, false])
    expect(page.says).toContain('not known here')
  })
})

describe('A04 the way back from the company sign-in', () => {
  /** Signed in there, with the way back held up, as if somebody had copied the link. */
  async function heldUp() {
    const { client_id } = await register(gateway.url)
    const request = authorizationRequest(gateway.url, client_id)
    let hold = true
    const browser = createBrowser({
      intercept: url =>
        (hold && url.pathname.startsWith('/callback/')) || url.href.startsWith(callback),
    })
    const held = await signIn(request.url, { user, browser, redirect_uri: callback })
    expect(held.intercepted).toBe(true)
    expect(held.url.origin).toBe(gateway.url)
    hold = false
    return { browser, way_back: held.url, request }
  }

  it('is refused in another browser, and still good in the right one', async () => {
    const { browser, way_back, request } = await heldUp()
    const elsewhere = await heldUp()
    for (const other of [elsewhere.browser, browserOf(callback)]) {
      const page = await other.open(way_back)
      expect([page.status, page.intercepted]).toEqual([403, false])
      expect(page.says).toContain('started somewhere else')
      expect(page.forms).toEqual([])
    }
    const consent = await browser.open(way_back)
    const done = await person.decide(browser, consent, 'approve')
    expect(done.url.searchParams.get('state')).toBe(request.state)
    expect(done.url.searchParams.get('code')).toEqual(expect.any(String))
  })

  it('A07 leads to a consent page that no other browser can answer', async () => {
    const { browser, way_back } = await heldUp()
    const consent = await browser.open(way_back)
    const other = browserOf(callback)
    expect((await other.open(consent.url)).status).toBe(400)
    const forged = await person.decide(other, consent, 'approve')
    expect(forged.intercepted).toBe(false)
    expect([400, 403]).toContain(forged.status)
  })
})

describe('T03 a refresh token', () => {
  it('gives the same user again, and is not taken from another client', async () => {
    const { client, refresh_token } = await obtainTokens(gateway.url, { user })
    const other = await register(gateway.url, { client_name: 'Another client' })
    expect(outcome(await refresh(gateway.url, other.client_id, refresh_token))).toEqual(refused)
    const { body } = await refresh(gateway.url, client.client_id, refresh_token)
    const said = whoamiOf(await callWhoami(gateway.url, { token: body.access_token }))
    expect(said).toMatchObject({ email: user, client_id: client.client_id })
  })

  it('is no code, and a code is no refresh token', async () => {
    const { redemption, client } = await authorize(gateway.url, {})
    expect(outcome(await refresh(gateway.url, client.client_id, redemption.code))).toEqual(refused)
    const { status, body } = await token(gateway.url, redemption)
    expect(status).toBe(200)
    const swapped = await token(gateway.url, { ...redemption, code: body.refresh_token })
    expect(outcome(swapped)).toEqual(refused)
  })
})

describe('G03 a 401 that is not about a tool', () => {
  it.each(['/userinfo', '/token', '/revoke'])('of %s has a challenge too', async path => {
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'nobody', grant_type: 'refresh_token', token: 'x' }),
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^(?:Basic|Bearer) realm="/)
  })
})

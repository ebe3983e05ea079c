import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import * as client from 'openid-client'
import { createBrowser, type Browser, type Page } from '../../../gateway/local/demo/browser.ts'
import type { Form } from '../../../gateway/local/demo/forms.ts'
import {
  createIdentityProvider,
  type RunningIdentityProvider,
  startIdentityProvider,
} from '../../../gateway/local/idp/identity-provider.ts'

const redirect_uri = 'http://localhost:9/callback/dev'
const client_secret = 'a-secret-of-this-test'
const scope = 'openid email profile offline_access'

let idp: RunningIdentityProvider
let config: client.Configuration

beforeAll(async () => {
  idp = await startIdentityProvider({ port: 0, client_secret, redirect_uris: [redirect_uri] })
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the issuer is on loopback
  const plain_http = client.allowInsecureRequests
  config = await client.discovery(
    new URL(idp.issuer),
    'mcp-oidc-gateway',
    client_secret,
    undefined,
    { execute: [client.enableNonRepudiationChecks, plain_http] },
  )
})
afterAll(() => idp.close())

const tab = () => createBrowser({ intercept: url => url.href.startsWith(redirect_uri) })

async function authorization(parameters: Record<string, string> = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  })
  const redeem = (callback: URL) =>
    client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  return { url, redeem }
}

function formOf(page: Page): Form {
  const [form] = page.forms
  if (!form) throw new Error(`no form: ${page.status} ${page.says}`)
  return form
}

function signIn(browser: Browser, page: Page, username: string, more: Record<string, string> = {}) {
  return browser.submit(page, formOf(page), { fields: { username, password: 'password', ...more } })
}

describe('the development identity provider', () => {
  it.each([
    ['alice@acme.example', ['acme'], ['admin']],
    ['bob@acme.example', ['acme'], ['analyst']],
    ['carol@globex.example', ['globex'], ['viewer']],
    ['erin@acme.example', ['acme', 'globex'], ['analyst']],
    ['mallory@nowhere.example', [], []],
  ])('signs in %s, with their claims in id_token and userinfo', async (email, orgs, roles) => {
    const browser = tab()
    const { url, redeem } = await authorization()
    const back = await signIn(browser, await browser.open(url), email)
    expect(back.intercepted).toBe(true)
    const tokens = await redeem(back.url)
    const expected = {
      email,
      email_verified: true,
      orgs,
      roles,
      name: expect.stringMatching(/./) as unknown,
    }
    expect(tokens.claims()).toMatchObject(expected)
    const sub = tokens.claims()?.sub ?? ''
    expect(await client.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject(expected)
  })

  it('gives the same subject at every sign-in, and another one to another user', async () => {
    const subjectOf = async (email: string) => {
      const browser = tab()
      const { url, redeem } = await authorization()
      return (await redeem((await signIn(browser, await browser.open(url), email)).url)).claims()
        ?.sub
    }
    const [first, again, bob] = [
      await subjectOf('alice@acme.example'),
      await subjectOf('alice@acme.example'),
      await subjectOf('bob@acme.example'),
    ]
    expect(again).toBe(first)
    expect(bob).not.toBe(first)
  })

  it('rotates refresh tokens, and a used one revokes its successor', async () => {
    const browser = tab()
    const { url, redeem } = await authorization()
    const page = await signIn(browser, await browser.open(url), 'alice@acme.example')
    const first = (await redeem(page.url)).refresh_token ?? ''
    const second = await client.refreshTokenGrant(config, first)
    expect(second.refresh_token).toEqual(expect.any(String))
    expect(second.refresh_token).not.toBe(first)
    const invalid_grant = { error: 'invalid_grant' }
    await expect(client.refreshTokenGrant(config, first)).rejects.toMatchObject(invalid_grant)
    await expect(
      client.refreshTokenGrant(config, second.refresh_token ?? ''),
    ).rejects.toMatchObject(invalid_grant)
  })

  it('shows the form again after a wrong password, and then lets the right one in', async () => {
    const browser = tab()
    const { url } = await authorization()
    const page = await browser.open(url)
    const again = await signIn(browser, page, 'alice@acme.example', { password: 'wrong' })
    expect(again.status).toBe(400)
    expect(again.says).toContain('do not belong together')
    const username = formOf(again).fields.find(field => field.name === 'username')
    expect(username?.value).toBe('alice@acme.example')
    expect((await signIn(browser, again, 'alice@acme.example')).intercepted).toBe(true)
  })

  it('shows what was typed as text, never as markup', async () => {
    const browser = tab()
    const page = await browser.open((await authorization()).url)
    const again = await signIn(browser, page, '"><script>alert(1)</script>')
    expect(again.html).not.toContain('<script>')
    expect(again.html).toContain('&lt;script')
  })

  it('says so when a sign-in is over, or was begun in another browser', async () => {
    const browser = tab()
    const page = await browser.open((await authorization()).url)
    const elsewhere = await tab().open(page.url)
    expect(elsewhere.status).toBe(400)
    expect(elsewhere.says).toContain('expired')
    await signIn(browser, page, 'alice@acme.example')
    expect((await signIn(browser, page, 'alice@acme.example')).status).toBe(400)
  })

  it('asks again in the same browser, so bob can follow alice', async () => {
    const browser = tab()
    for (const email of ['alice@acme.example', 'bob@acme.example', 'bob@acme.example']) {
      const { url, redeem } = await authorization()
      const back = await signIn(browser, await browser.open(url), email)
      expect((await redeem(back.url)).claims()).toMatchObject({ email })
    }
  })

  it('signs in silently who asked to be remembered, until prompt=login or sign-out', async () => {
    const browser = tab()
    const first = await authorization()
    await signIn(browser, await browser.open(first.url), 'alice@acme.example', { remember: 'yes' })
    const { url, redeem } = await authorization()
    const back = await browser.open(url)
    expect(back.intercepted).toBe(true)
    expect((await redeem(back.url)).claims()).toMatchObject({ email: 'alice@acme.example' })

    const forced = await browser.open((await authorization({ prompt: 'login' })).url)
    expect(forced.intercepted).toBe(false)

    const logout = await browser.open(config.serverMetadata().end_session_endpoint ?? '')
    await browser.submit(logout, formOf(logout), { press: { name: 'logout', value: 'yes' } })
    expect((await browser.open((await authorization()).url)).intercepted).toBe(false)
  })

  it('two sign-ins in one browser do not disturb each other', async () => {
    const browser = tab()
    const [one, two] = [await authorization(), await authorization()]
    const [page_one, page_two] = [await browser.open(one.url), await browser.open(two.url)]
    const back_two = await signIn(browser, page_two, 'alice@acme.example')
    const back_one = await signIn(browser, page_one, 'alice@acme.example')
    expect((await one.redeem(back_one.url)).claims()).toMatchObject({ email: 'alice@acme.example' })
    expect((await two.redeem(back_two.url)).claims()).toMatchObject({ email: 'alice@acme.example' })
  })

  it('refuses an authorization request without PKCE', async () => {
    const url = client.buildAuthorizationUrl(config, { redirect_uri, scope, state: 'state' })
    const page = await tab().open(url)
    expect(page.intercepted).toBe(true)
    expect(page.url.searchParams.get('error')).toBe('invalid_request')
  })

  it('never redirects to an address that is not registered', async () => {
    const { url } = await authorization({ redirect_uri: 'http://localhost:9/elsewhere' })
    const page = await tab().open(url)
    expect(page.intercepted).toBe(false)
    expect(page.status).toBe(400)
  })

  it('builds its URLs from the issuer and refuses a foreign Host', async () => {
    const { port } = new URL(idp.issuer)
    const ask = async (host: string) => {
      const path = '/.well-known/openid-configuration'
      const asked = get({ host: '127.0.0.1', port, path, headers: { host } })
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      return { status: response.statusCode, text: await text(response) }
    }
    expect(await ask('evil.example')).toMatchObject({ status: 421 })
    const by_address = await ask(`127.0.0.1:${port}`)
    expect(by_address.status).toBe(200)
    expect(JSON.parse(by_address.text)).toMatchObject({
      issuer: idp.issuer,
      token_endpoint: `${idp.issuer}/token`,
    })
  })

  it('serves loopback only', async () => {
    for (const issuer of ['https://idp.example', 'http://10.0.0.1:8400', 'http://localhost:1/x'])
      await expect(
        createIdentityProvider({ issuer, client_secret, redirect_uris: [redirect_uri] }),
      ).rejects.toThrow('this computer alone')
  })
})

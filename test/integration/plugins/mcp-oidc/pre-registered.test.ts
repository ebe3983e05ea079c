import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  openAuthorizationServer,
  openBrowser,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { createBrowser } from '../../../../gateway/local/demo/browser.ts'
import { createClientKey } from '../../../support/client-assertion.ts'

const key = createClientKey()
const client_secret = 'a secret of thirty-two characters'
const redirect_uris = [callback]

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer(url => ({
    most_unused_clients: 1,
    clients: [
      { client_id: 'public', name: 'A public client', redirect_uris },
      {
        ...{ client_id: 'basic', name: 'A server', redirect_uris, client_secret },
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        ...{ client_id: 'post', name: 'Another server', redirect_uris, client_secret },
        token_endpoint_auth_method: 'client_secret_post',
      },
      {
        ...{ client_id: 'keys', name: 'A server with a key', redirect_uris },
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: JSON.stringify({ keys: [key.public_jwk] }),
      },
      {
        ...{ client_id: 'ours', name: 'Our own pages', redirect_uris: [`${url}/pages/callback`] },
        ...{ first_party: true, token_endpoint_auth_method: 'client_secret_basic', client_secret },
      },
    ],
  }))
})
afterAll(() => server.close())

async function codeOf(client_id: string) {
  const browser = openBrowser()
  const request = authorizationRequest(server.url, client_id)
  const answer = await approve(browser, await signIn(browser, request.url))
  return {
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: request.code_verifier,
  }
}

const basic = (client_id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${client_id}:${encodeURIComponent(secret)}`).toString('base64')}`,
})
const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

describe('R03 a pre-registered client', () => {
  it('needs no registration, and is named as the operator named it', async () => {
    const browser = openBrowser()
    const page = await browser.open(authorizationRequest(server.url, 'public').url)
    expect(page.says).toContain('A public client')
    const consent = await signIn(openBrowser(), authorizationRequest(server.url, 'public').url)
    expect(consent.says).toContain('A public client')
  })

  it('without a secret gets its tokens, and refreshes them', async () => {
    const client_id = 'public'
    const { status, body } = await token(server.url, { ...(await codeOf(client_id)), client_id })
    expect(status).toBe(200)
    const again = await token(server.url, { ...refresh(body.refresh_token), client_id })
    expect(again.status).toBe(200)
  })

  it('with a secret gets its tokens for the right one only', async () => {
    const redemption = await codeOf('basic')
    for (const headers of [{}, basic('basic', 'wrong'), basic('public', client_secret)]) {
      const refused = await token(server.url, { ...redemption, client_id: 'basic' }, headers)
      expect([400, 401]).toContain(refused.status)
    }
    const { status, body } = await token(server.url, redemption, basic('basic', client_secret))
    expect(status).toBe(200)
    expect(
      (await token(server.url, { ...refresh(body.refresh_token), client_id: 'basic' })).status,
    ).toBe(401)
    const again = await token(
      server.url,
      refresh(body.refresh_token),
      basic('basic', client_secret),
    )
    expect(again.status).toBe(200)
  })

  it('may send its secret in the body', async () => {
    const redemption = { ...(await codeOf('post')), client_id: 'post' }
    const wrong = await token(server.url, { ...redemption, client_secret: 'wrong' })
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
    expect((await token(server.url, { ...redemption, client_secret })).status).toBe(200)
  })

  it('with a key gets its tokens, and refreshes them', async () => {
    const redemption = await codeOf('keys')
    const assertion = await key.assert('keys', server.url)
    const { status, body } = await token(server.url, { ...redemption, ...assertion })
    expect([status, body.error]).toEqual([200, undefined])
    const again = await token(server.url, {
      ...refresh(body.refresh_token),
      ...(await key.assert('keys', `${server.url}/token`)),
    })
    expect([again.status, again.body.error]).toEqual([200, undefined])
  })

  it.each([
    ['none at all', () => Promise.resolve({ client_id: 'keys' })],
    ['another key', () => createClientKey().assert('keys', server.url)],
    ['another audience', () => key.assert('keys', 'https://other.example')],
    ['the MCP server as audience', () => key.assert('keys', server.settings.resource)],
    ['an end that is over', () => key.assert('keys', server.url, { exp: 1 })],
    ['no end', () => key.assert('keys', server.url, { exp: undefined })],
    ['no id', () => key.assert('keys', server.url, { jti: undefined })],
    ['another issuer', () => key.assert('keys', server.url, { iss: 'public' })],
    ['the name of another client', () => key.assert('public', server.url)],
    [
      'a secret in its place',
      () => Promise.resolve({ client_id: 'keys', client_secret: JSON.stringify(key.public_jwk) }),
    ],
  ])('with a key gets nothing for an assertion with %s', async (_name, make) => {
    const { status, body } = await token(server.url, { ...refresh('x'), ...(await make()) })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  })

  it('with a key may use an assertion once, also when two use it at the same moment', async () => {
    const assertion = await key.assert('keys', server.url)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => token(server.url, { ...refresh('x'), ...assertion })),
    )
    const errors = answers.map(({ body }) => body.error)
    expect(errors.filter(error => error === 'invalid_grant')).toHaveLength(1)
    expect(errors.filter(error => error === 'invalid_client')).toHaveLength(7)
  })

  it('is redirected to where the configuration says, and nowhere else', async () => {
    const request = authorizationRequest(server.url, 'public', {
      redirect_uri: 'https://evil.example/',
    })
    const page = await openBrowser().open(request.url)
    expect([page.status, page.says]).toEqual([
      400,
      expect.stringContaining('may not send you back there'),
    ])
  })

  it('R04 of our own is answered at our origin; nobody else is, and it nowhere else there', async () => {
    const redirect_uri = `${server.url}/pages/callback`
    const browser = createBrowser({ intercept: url => url.pathname.startsWith('/pages/') })
    const request = authorizationRequest(server.url, 'ours', {
      ...{ redirect_uri, scope: 'openid', resource: undefined },
    })
    // Nobody is asked for consent to a page of ours, which is granted nothing.
    const { intercepted, url } = await signIn(browser, request.url)
    expect(intercepted).toBe(true)
    const { code_verifier } = request
    const redemption = {
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
    }
    const asked = { ...redemption, redirect_uri, code_verifier }
    expect((await token(server.url, { ...asked, client_id: 'ours' })).status).toBe(401)
    expect((await token(server.url, asked, basic('ours', client_secret))).status).toBe(200)
    const others = [
      { client_id: 'public', redirect_uri },
      { client_id: 'ours', redirect_uri: `${redirect_uri}/` },
      { client_id: 'ours', redirect_uri: `${server.url}/token` },
    ]
    for (const { client_id, ...elsewhere } of others) {
      const page = await browser.open(authorizationRequest(server.url, client_id, elsewhere).url)
      expect([page.intercepted, page.status]).toEqual([false, 400])
    }
    const registration = await fetch(`${server.url}/register`, {
      method: 'POST',
      body: JSON.stringify({ redirect_uris: [redirect_uri], client_name: 'Not ours' }),
    })
    expect(await registration.json()).toMatchObject({ error: 'invalid_redirect_uri' })
  })

  it('R06 connects while registrations are refused', async () => {
    const send = (client_name: string) =>
      fetch(`${server.url}/register`, {
        method: 'POST',
        body: JSON.stringify({ redirect_uris, client_name }),
      })
    await send('first')
    expect((await send('second')).status).toBe(503)
    const redemption = { ...(await codeOf('public')), client_id: 'public' }
    expect((await token(server.url, redemption)).status).toBe(200)
  })
})

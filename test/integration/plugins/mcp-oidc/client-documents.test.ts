import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { createBrowser } from '../../../../gateway/local/demo/browser.ts'
import { findRecord } from '../../../../storage/records.ts'
import { createClientKey } from '../../../support/client-assertion.ts'
import { type DocumentServer, json, openDocumentServer } from '../../../support/document-server.ts'
import { rawRequest } from '../../../support/raw-request.ts'

let documents: DocumentServer
let server: AuthorizationServer
/** Milliseconds by which the server's clock is ahead. */
let ahead = 0
beforeAll(async () => {
  documents = await openDocumentServer()
  server = await openAuthorizationServer(
    {
      most_unused_clients: 1,
      cimd_private_hosts: [`localhost:${documents.port}`],
      cimd_ca_certificates: documents.ca,
    },
    { now: () => Date.now() + ahead },
  )
})
afterAll(() => Promise.all([server.close(), documents.close()]))

let client_id: string
let serial = 0
const publish = (members: object = {}) => {
  documents.respond = json({
    ...{ client_id, client_name: 'Documented', redirect_uris: [callback] },
    ...members,
  })
}
beforeEach(() => {
  client_id = `https://localhost:${documents.port}/client-${(serial += 1)}.json`
  documents.asked.length = 0
  publish()
})

async function codeOf() {
  const browser = openBrowser()
  const request = authorizationRequest(server.url, client_id)
  const answer = await approve(browser, await signIn(browser, request.url))
  const redemption = { grant_type: 'authorization_code', code: answer.get('code') ?? '' }
  return { ...redemption, redirect_uri: callback, code_verifier: request.code_verifier }
}
const lastEvent = () =>
  server.db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', 'registration')
    .orderBy('id', 'desc')
    .executeTakeFirst()

describe('R02 a client with a metadata document', () => {
  it('connects and refreshes without registration, for one fetch of its document', async () => {
    const { status, body } = await token(server.url, { ...(await codeOf()), client_id })
    expect([status, body.error]).toEqual([200, undefined])
    const again = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id }
    expect((await token(server.url, again)).status).toBe(200)
    expect(documents.asked).toHaveLength(1)
  })

  it('D02 is advertised, with the methods it may use', async () => {
    const response = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
    expect(await response.json()).toMatchObject({
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: [
        'none',
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
      ],
    })
  })

  it('A07 is shown with the host that vouches for it, and with a warning on loopback', async () => {
    const consent = await signIn(openBrowser(), authorizationRequest(server.url, client_id).url)
    for (const words of ['Documented', '>Verified<', 'published by', 'an app on this computer'])
      expect(consent.html).toContain(words)
    expect(consent.html).toContain(new URL(client_id).host)
    expect(consent.html).not.toContain('Not verified')
  })

  it('proves itself by keys at an address of its own', async () => {
    const key = createClientKey()
    const jwks_uri = `https://localhost:${documents.port}/jwks`
    const document = { client_id, client_name: 'Keys', redirect_uris: [callback], jwks_uri }
    documents.respond = (req, res) =>
      json(
        req.url === '/jwks'
          ? { keys: [key.public_jwk] }
          : { ...document, token_endpoint_auth_method: 'private_key_jwt' },
      )(req, res)
    const redemption = await codeOf()
    const stranger = await createClientKey().assert(client_id, server.url)
    expect((await token(server.url, { ...redemption, client_id })).status).toBe(401)
    expect((await token(server.url, { ...redemption, ...stranger })).status).toBe(401)
    const assertion = await key.assert(client_id, server.url)
    const { status, body } = await token(server.url, { ...redemption, ...assertion })
    expect([status, body.error]).toEqual([200, undefined])
  })

  it('R06 connects while registrations are refused', async () => {
    for (const client_name of ['one', 'two'])
      await fetch(`${server.url}/register`, {
        method: 'POST',
        body: JSON.stringify({ redirect_uris: [callback], client_name }),
      })
    expect(await lastEvent()).toMatchObject({ error_code: 'temporarily_unavailable' })
    expect((await token(server.url, { ...(await codeOf()), client_id })).status).toBe(200)
  })

  it('gets its answer where the document said when it was asked, whatever it says later', async () => {
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const consent = await signIn(browser, request.url)
    const evil = 'https://evil.example/cb'
    publish({ redirect_uris: [evil], client_name: 'Evil' })
    const code = (await approve(browser, consent)).get('code') ?? ''
    const redemption = { grant_type: 'authorization_code', code, client_id }
    const { code_verifier } = request
    const elsewhere = await token(server.url, { ...redemption, code_verifier, redirect_uri: evil })
    expect([elsewhere.status, elsewhere.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('keeps the redirect URIs of the beginning when its document was fetched again and has grown', async () => {
    const grown = 'https://grown.example/cb'
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const consent = await signIn(browser, request.url)
    publish({ redirect_uris: [grown, callback], client_name: 'Grown' })
    ahead += 400_000
    try {
      const other = createBrowser({ intercept: url => url.host === 'grown.example' })
      const now = authorizationRequest(server.url, client_id, { redirect_uri: grown })
      expect((await other.open(now.url)).says).toContain('Grown')
      expect(documents.asked).toHaveLength(2)
      const again = await browser.open(consent.url)
      expect(again.says).toContain('Documented')
      const moved = new URL(again.url)
      moved.searchParams.set('redirect_uri', grown)
      const done = await browser.submit(await browser.open(moved), formOf(again), {
        press: { name: 'decision', value: 'approve' },
      })
      expect([done.intercepted, done.url.origin]).toEqual([true, new URL(callback).origin])
      const code = done.url.searchParams.get('code') ?? ''
      const redemption = { grant_type: 'authorization_code', code, client_id }
      const { code_verifier } = request
      const elsewhere = { ...redemption, code_verifier, redirect_uri: grown }
      expect((await token(server.url, elsewhere)).body.error).toBe('invalid_grant')
    } finally {
      ahead = 0
    }
  })

  it('is kept with a request that has a fragment, which no browser sends', async () => {
    const { search } = authorizationRequest(server.url, client_id).url
    const begun = await rawRequest(server.url, `/authorize?x=#&${search.slice(1)}`)
    const uid = /^\/connect\/(.+)$/.exec(begun.headers.location ?? '')?.[1] ?? ''
    expect(uid).not.toBe('')
    const store = { db: server.db, ring: server.settings.storage_keys }
    const kept = await findRecord(store, 'InteractionClient', uid)
    expect(kept?.payload).toMatchObject({ client_id, redirect_uris: [callback] })
  })

  it('finishes with the document of the beginning when it is gone by then', async () => {
    const browser = openBrowser()
    const request = authorizationRequest(server.url, client_id)
    const consent = await signIn(browser, request.url)
    documents.respond = (_req, res) => void res.writeHead(404).end()
    ahead += 400_000
    try {
      expect((await approve(browser, consent)).get('code')).toMatch(/./)
    } finally {
      ahead = 0
    }
  })

  it('does not get back there with a redirect URI that it does not list', async () => {
    const request = authorizationRequest(server.url, client_id, {
      redirect_uri: 'https://evil.example/',
    })
    const page = await openBrowser().open(request.url)
    expect([page.status, page.says]).toEqual([
      400,
      expect.stringContaining('may not send you back there'),
    ])
  })
})

describe('R07 a client whose document is not accepted', () => {
  const refusals: [string, () => void, number, string][] = [
    [
      'is not there',
      () => (documents.respond = (_q, res) => void res.writeHead(404).end()),
      400,
      'status 404',
    ],
    [
      'is of another',
      () => publish({ client_id: 'https://a.example/c' }),
      400,
      'names another client_id',
    ],
    ['holds a secret', () => publish({ client_secret: 'x' }), 400, 'holds a client secret'],
    ['is too large', () => publish({ x: 'x'.repeat(6_000) }), 400, 'larger than 5120 bytes'],
    [
      'is away',
      () => (documents.respond = (_q, res) => void res.destroy()),
      503,
      'could not be fetched',
    ],
    [
      'is at a private address',
      () => (client_id = 'https://127.0.0.1/c'),
      400,
      'names a network address',
    ],
    ['is on another port', () => (client_id = 'https://localhost:1/c'), 400, 'names a port'],
  ]

  it.each(refusals)(
    'gets a page at /authorize: one that %s',
    async (_name, arrange, status, words) => {
      arrange()
      const page = await openBrowser().open(authorizationRequest(server.url, client_id).url)
      expect([page.status, page.says]).toEqual([status, expect.stringContaining(words)])
      expect(page.says).toContain('This application could not be identified')
      expect(await lastEvent()).toMatchObject({
        outcome: 'refused',
        client_id,
        error_code: `client_document_${status === 503 ? 'unavailable' : 'refused'}`,
        reason: expect.stringContaining(words),
      })
    },
  )

  it.each(refusals)(
    'gets an OAuth error at /token: one that %s',
    async (_name, arrange, status) => {
      arrange()
      const asked = { grant_type: 'refresh_token', refresh_token: 'x', client_id }
      const answer = await token(server.url, asked)
      expect([answer.status, answer.body.error]).toEqual(
        status === 503 ? [503, 'temporarily_unavailable'] : [401, 'invalid_client'],
      )
    },
  )
})

import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { decodeProtectedHeader } from 'jose'
import type { Browser, Page } from '../../../../gateway/local/demo/browser.ts'
import { createRuntime } from '../../../../plugins/mcp-oidc/runtime.ts'
import { rememberApproval } from '../../../../storage/approvals.ts'
import { decideOrgClient } from '../../../../storage/decide-org-client.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  token,
} from '../../../support/authorization-server.ts'
import {
  type Claims,
  type ConsentRequest,
  type ConsentService,
  openConsentService,
} from '../../../support/consent-service.ts'
import { ask, type Asked, newClient } from '../../../support/consent-steps.ts'
import { recordingLog } from '../../../support/fake-kong.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'
import { compact } from '../../../support/signed-token.ts'

let service: ConsentService
let server: AuthorizationServer
beforeAll(async () => {
  service = await openConsentService()
  server = await openAuthorizationServer({
    consent: service.setting,
    org_policies: [{ org: 'globex', unknown_clients: 'deny' }],
  })
  service.gateway = server.url
})
afterAll(async () => {
  await server.close()
  await service.close()
})
afterEach(() => {
  service.ill = undefined
})

const { last, connections } = signInSteps(() => server)

interface AtService {
  readonly client_id: string
  readonly browser: Browser
  readonly page: Page
  readonly request: ConsentRequest
}

/** A person who has signed in and is now at the service's screen. */
async function atService(asked: Partial<Asked> = {}): Promise<AtService> {
  const client_id = asked.client_id ?? (await newClient(server.url))
  const { browser, page } = await ask({ url: server.url, client_id, ...asked })
  return { client_id, browser, page, request: await service.read(page.url) }
}

const press = (decision: 'approve' | 'deny') => ({ press: { name: 'decision', value: decision } })

const answerOf = ({ request }: AtService, changes: Claims = {}): Claims => ({
  ...service.claims(request, 'approve'),
  ...changes,
})

const addressOf = ({ request }: AtService, decision: string) =>
  `${request.return_to}&decision=${encodeURIComponent(decision)}`

/** The service sends the browser back with this. */
const comeBack = (at: AtService, decision: string) =>
  at.browser.follow(at.page, addressOf(at, decision))

/** A page says what happened and how to go on, the trail says why, and nothing is connected. */
async function expectRefused(page: Page, error_code: string, before: number): Promise<void> {
  expect([page.status, page.intercepted]).toEqual([403, false])
  expect(page.says).toContain('The decision could not be accepted')
  expect(page.html).toContain('connect again')
  expect(page.html).toContain(error_code)
  expect(await last('consent')).toMatchObject({
    outcome: 'refused',
    error_code,
    email: 'alice@acme.example',
  })
  expect(await connections()).toBe(before)
}

describe('A09 a service that decides', () => {
  it('is sent the browser with a signed request, and its approval connects', async () => {
    const client_id = await newClient(server.url, { client_name: 'Ali\u202Ece' })
    const sent = authorizationRequest(server.url, client_id)
    const browser = openBrowser()
    const connect = await browser.open(sent.url)
    const company = await browser.submit(connect, formOf(connect), {
      press: { name: 'provider', value: 'dev' },
    })
    const page = await browser.submit(company, formOf(company), {
      fields: { username: 'alice@acme.example', password: 'password' },
    })
    expect(page.url.href.startsWith(`${service.setting.url}&request=`)).toBe(true)
    expect(decodeProtectedHeader(page.url.searchParams.get('request') ?? '')).toEqual({
      alg: 'ES256',
      typ: 'consent-request+jwt',
      kid: server.settings.signing_keys[0].kid,
    })
    const request = await service.read(page.url)
    expect(request).toMatchObject({
      email: 'alice@acme.example',
      sub: expect.stringMatching(/^usr_/),
      orgs: ['acme'],
      client_id,
      client_name: 'Alice',
      client_kind: 'self_declared',
      redirect_uri: callback,
      resource: `${server.url}/mcp`,
      scopes: ['mcp:tools'],
      return_to: expect.stringMatching(`^${server.url}/connect/[^/]+/consent\\?sign_in=`),
    })
    expect(request.exp - request.iat).toBeLessThanOrEqual(300)
    const codes = () =>
      server.db
        .selectFrom('oidc_records')
        .select('model')
        .where('model', '=', 'AuthorizationCode')
        .execute()
    expect(await codes()).toEqual([])
    const before = await connections()
    const done = await browser.submit(page, formOf(page), press('approve'))
    expect(done.intercepted).toBe(true)
    expect(done.url.searchParams.get('state')).toBe(sent.state)
    const { status } = await token(server.url, {
      ...{ grant_type: 'authorization_code', client_id, redirect_uri: callback },
      code: done.url.searchParams.get('code') ?? '',
      code_verifier: sent.code_verifier,
    })
    expect(status).toBe(200)
    expect(await connections()).toBe(before + 1)
    expect(await last('consent')).toMatchObject({
      outcome: 'ok',
      reason: 'external',
      org_id: 'acme',
      client_id,
      email: 'alice@acme.example',
    })
  })

  it('may deny: the client is told access_denied', async () => {
    const { browser, page } = await atService()
    const before = await connections()
    const done = await browser.submit(page, formOf(page), press('deny'))
    expect(Object.fromEntries(done.url.searchParams)).toMatchObject({
      error: 'access_denied',
      iss: server.url,
    })
    expect(await last('consent')).toMatchObject({
      outcome: 'refused',
      error_code: 'access_denied',
      email: 'alice@acme.example',
    })
    expect(await connections()).toBe(before)
  })

  it('chooses the org of a person who has several', async () => {
    const client_id = await newClient(server.url)
    const { browser, page } = await atService({ client_id, user: 'erin@acme.example' })
    expect(formOf(page).fields.find(({ name }) => name === 'org')?.options).toEqual([
      'acme',
      'globex',
    ])
    await browser.submit(page, formOf(page), { ...press('approve'), fields: { org: 'acme' } })
    expect(await last('consent')).toMatchObject({ outcome: 'ok', org_id: 'acme', client_id })
  })

  it('is where the forms of the page before may lead', async () => {
    const { url } = authorizationRequest(server.url, await newClient(server.url))
    const connect = await openBrowser().open(url)
    expect(connect.headers.get('content-security-policy')).toMatch(
      /form-action [^;]*http:\/\/127\.0\.0\.1:\*/,
    )
  })

  it('is asked each time: nothing is remembered, and what was remembered is not used', async () => {
    const at = await atService()
    await at.browser.submit(at.page, formOf(at.page), press('approve'))
    const approvals = () =>
      server.db
        .selectFrom('approvals')
        .select('skips_consent')
        .where('client_id', '=', at.client_id)
        .execute()
    expect(await approvals()).toEqual([])
    const key = {
      ...{ user_id: at.request.sub, org_id: 'acme', client_id: at.client_id },
      ...{ redirect: 'http://127.0.0.1', resource: at.request.resource },
    }
    await rememberApproval(server.db, key, { scopes: ['mcp:tools'], skips_consent: true })
    const { page } = await atService({ client_id: at.client_id })
    expect(page.url.href.startsWith(service.setting.url)).toBe(true)
  })

  it('takes the place of our own page: an approval posted to that is refused', async () => {
    const at = await atService({ user: 'erin@acme.example' })
    // The page of an org that denies has a form with this sign-in's token.
    const refusal = await comeBack(at, await service.sign(answerOf(at, { org: 'globex' })))
    const form = formOf(refusal)
    const buttons = form.buttons.map(button => ({ ...button, value: 'approve' }))
    const org = { name: 'org', type: 'hidden', value: 'acme', successful: true, options: [] }
    const before = await connections()
    const page = await at.browser.submit(refusal, {
      ...form,
      buttons,
      fields: [...form.fields, org],
    })
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ error_code: 'consent_is_external' })
    expect(await connections()).toBe(before)
  })
})

describe('A09 the policy of an org', () => {
  it('turns away before the service is asked', async () => {
    const asked = { url: server.url, client_id: await newClient(server.url) }
    const { page } = await ask({ ...asked, user: 'carol@globex.example' })
    expect(page.says).toContain('Your organization does not allow this application')
    expect(page.url.origin).toBe(server.url)
  })

  it('counts for the org that was chosen; a later decision may be for another', async () => {
    const at = await atService({ user: 'erin@acme.example' })
    const before = await connections()
    const page = await comeBack(at, await service.sign(answerOf(at, { org: 'globex' })))
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ error_code: 'client_denied', org_id: 'globex' })
    expect(await connections()).toBe(before)
    const done = await comeBack(at, await service.sign(answerOf(at)))
    expect(done.url.searchParams.get('code')).toBeTruthy()
  })

  it('is looked at once more when the decision comes', async () => {
    const at = await atService()
    await decideOrgClient(
      { db: server.db, ring: server.settings.storage_keys },
      { org_id: 'acme', client_id: at.client_id },
      { status: 'refused', decided_by: 'operator' },
    )
    const page = await comeBack(at, await service.sign(answerOf(at)))
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ error_code: 'client_denied' })
  })
})

describe('A09 a decision that does not hold', () => {
  let at: AtService
  let other: AtService
  beforeAll(async () => {
    at = await atService()
    other = await atService()
  })

  const later = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const header = (alg: string) => ({ alg, typ: 'consent-decision+jwt', kid: 'service-1' })
  const withSecret = (secret: string | Buffer) => {
    const signed = compact(header('HS256'), answerOf(at)).slice(0, -1)
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const gateway = () => server.settings.signing_keys[0]

  it.each<[string, string, () => string | Promise<string>]>([
    ['of another key', 'signature', () => service.sign(answerOf(at), {}, foreign)],
    ['of an unknown key', 'key', () => service.sign(answerOf(at), { kid: 'x' }, foreign)],
    ['of our own key', 'key', () => service.sign(answerOf(at), { kid: 's1' }, gateway().key)],
    ['that was changed', 'signature', () => changed({ org: 'globex' })],
    ['without signature', 'alg', () => compact(header('none'), answerOf(at))],
    ['with the signature left out', 'signature', () => compact(header('ES256'), answerOf(at))],
    [
      'with the public key as a secret (PEM)',
      'alg',
      () => withSecret(service.public_key.export({ type: 'spki', format: 'pem' })),
    ],
    [
      'with the public key as a secret (JWK)',
      'alg',
      () => withSecret(JSON.stringify(service.public_key.export({ format: 'jwk' }))),
    ],
    [
      'with a header that must be understood',
      'malformed',
      () => compact({ ...header('ES256'), crit: ['x'], x: 1 }, answerOf(at)),
    ],
    ['that is no JWT', 'malformed', () => 'x'],
    ['that is empty', 'missing', () => ''],
    ['that is our request', 'key', () => at.page.url.searchParams.get('request') ?? ''],
    ['of the typ JWT', 'typ', () => signed({}, { typ: 'JWT' })],
    ['without typ', 'typ', () => signed({}, { typ: undefined })],
    ['of the typ of a request', 'typ', () => signed({}, { typ: 'consent-request+jwt' })],
    ['of another issuer', 'iss', () => signed({ iss: 'consent.example.evil' })],
    ['without issuer', 'iss', () => signed({ iss: undefined })],
    ['for another audience', 'aud', () => signed({ aud: `${server.url}/` })],
    ['for two audiences', 'aud', () => signed({ aud: [server.url, 'https://other.example'] })],
    ['without audience', 'aud', () => signed({ aud: undefined })],
    ['that expired', 'exp', () => signed({ exp: later(-1) })],
    ['that never expires', 'exp', () => signed({ exp: undefined })],
    ['that expires in more than ten minutes', 'exp', () => signed({ exp: later(660) })],
    ['that expires in words', 'exp', () => signed({ exp: 'soon' })],
    ['that is not valid yet', 'nbf', () => signed({ nbf: later(60) })],
    ['without jti', 'jti', () => signed({ jti: undefined })],
    ['with an empty jti', 'jti', () => signed({ jti: '' })],
    ['with a jti that is a number', 'jti', () => signed({ jti: 1 })],
    ['without the request', 'request_jti', () => signed({ request_jti: undefined })],
    ['for a request never made', 'request_jti', () => signed({ request_jti: 'x' })],
    ['for another request', 'request_jti', () => signed({ request_jti: other.request.jti })],
    [
      'for another transaction',
      'transaction',
      () => signed({ transaction: other.request.transaction }),
    ],
    ['that was made for another sign-in', 'transaction', () => service.sign(answerOf(other))],
    ['without transaction', 'transaction', () => signed({ transaction: undefined })],
    ['about another person', 'sub', () => signed({ sub: 'usr_other' })],
    ['about nobody', 'sub', () => signed({ sub: undefined })],
    ['for an org that was not offered', 'org', () => signed({ org: 'globex' })],
    ['for several orgs', 'org', () => signed({ org: ['acme'] })],
    ['for no org', 'org', () => signed({ org: undefined })],
    ['about another client', 'client_id', () => signed({ client_id: other.client_id })],
    ['about no client', 'client_id', () => signed({ client_id: undefined })],
    ['with another way back', 'redirect_uri', () => signed({ redirect_uri: `${callback}/` })],
    ['without a way back', 'redirect_uri', () => signed({ redirect_uri: undefined })],
    ['for another resource', 'resource', () => signed({ resource: `${server.url}/mcp/` })],
    ['without resource', 'resource', () => signed({ resource: undefined })],
    ['with fewer scopes', 'scopes', () => signed({ scopes: [] })],
    ['with more scopes', 'scopes', () => signed({ scopes: ['mcp:tools', 'openid'] })],
    ['with one scope twice', 'scopes', () => signed({ scopes: ['mcp:tools', 'mcp:tools'] })],
    ['with other scopes', 'scopes', () => signed({ scopes: ['openid'] })],
    ['with scopes in one text', 'scopes', () => signed({ scopes: 'mcp:tools' })],
    ['without scopes', 'scopes', () => signed({ scopes: undefined })],
    ['that decides neither', 'decision', () => signed({ decision: 'maybe' })],
    ['without a decision', 'decision', () => signed({ decision: undefined })],
    ['that denies for another request', 'request_jti', () => denied({ request_jti: 'x' })],
  ])('%s: decision_%s, and nothing is connected', async (_name, member, decision) => {
    const before = await connections()
    await expectRefused(await comeBack(at, await decision()), `decision_${member}`, before)
  })

  const signed = (changes: Claims, in_header: object = {}) =>
    service.sign(answerOf(at, changes), in_header)
  const denied = (changes: Claims) => signed({ decision: 'deny', ...changes })
  const changed = async (changes: Claims) => {
    const [head, , signature] = (await signed({})).split('.')
    const payload = Buffer.from(JSON.stringify(answerOf(at, changes))).toString('base64url')
    return [head, payload, signature].join('.')
  }

  it('none at all, or two of them', async () => {
    const before = await connections()
    await expectRefused(
      await at.browser.follow(at.page, at.request.return_to),
      'decision_missing',
      before,
    )
    const twice = `${addressOf(at, await signed({}))}&decision=${await signed({})}`
    await expectRefused(await at.browser.follow(at.page, twice), 'decision_missing', before)
  })

  it('one that was used before, also in another sign-in', async () => {
    const used = answerOf(at, { jti: 'the-same', org: 'acme' })
    const first = await atService({ client_id: other.client_id })
    await comeBack(first, await service.sign(answerOf(first, { jti: 'the-same' })))
    const before = await connections()
    await expectRefused(await comeBack(at, await service.sign(used)), 'decision_used', before)
  })

  it.each<[string, () => string]>([
    ['unknown', () => 'x'],
    ['empty', () => ''],
    ['there twice', () => 'a&sign_in=b'],
    ['that of another request', () => other.request.transaction.split('.')[1] ?? ''],
  ])('with a sign_in that is %s', async (_name, sign_in) => {
    const before = await connections()
    const path = at.request.return_to.replace(/sign_in=.*/, `sign_in=${sign_in()}`)
    const page = await at.browser.follow(at.page, `${path}&decision=${await signed({})}`)
    expect([page.status, page.intercepted]).toEqual([400, false])
    expect(page.says).toContain('This sign-in has expired')
    expect(await connections()).toBe(before)
  })

  it('in another browser, with or without cookies of its own', async () => {
    const before = await connections()
    for (const browser of [openBrowser(), other.browser]) {
      const page = await browser.open(addressOf(at, await signed({})))
      expect([page.status, page.intercepted]).toEqual([403, false])
      expect(page.says).toContain('This sign-in was started somewhere else')
      expect(await last('consent')).toMatchObject({
        outcome: 'refused',
        error_code: 'other_browser',
      })
    }
    expect(await connections()).toBe(before)
  })

  it('after all of that, one that holds is still taken', async () => {
    const done = await comeBack(at, await signed({}))
    expect(done.url.searchParams.get('code')).toBeTruthy()
  })
})

describe('A09 two answers', () => {
  it('at the same moment count as one', async () => {
    const at = await atService()
    const before = await connections()
    const decisions = await Promise.all([1, 2, 3].map(() => service.sign(answerOf(at))))
    const pages = await Promise.all(decisions.map(decision => comeBack(at, decision)))
    const [done, ...others] = pages.sort((a, b) => Number(b.intercepted) - Number(a.intercepted))
    expect(done?.url.searchParams.get('code')).toBeTruthy()
    for (const page of others) {
      expect([page.status, page.intercepted]).toEqual([400, false])
      expect(page.says).toContain('This request was answered already')
    }
    expect(await connections()).toBe(before + 1)
  })

  it('one decision at the same moment counts once', async () => {
    const at = await atService()
    const before = await connections()
    const decision = await service.sign(answerOf(at))
    const pages = await Promise.all([1, 2, 3].map(() => comeBack(at, decision)))
    expect(pages.filter(({ intercepted }) => intercepted)).toHaveLength(1)
    expect(await connections()).toBe(before + 1)
  })

  it('one after the other: the first one stands', async () => {
    const at = await atService()
    await comeBack(at, await service.sign(answerOf(at, { decision: 'deny' })))
    const before = await connections()
    const page = await comeBack(at, await service.sign(answerOf(at)))
    expect([page.status, page.says]).toEqual([
      400,
      expect.stringContaining('This request was answered already'),
    ])
    expect(await connections()).toBe(before)
  })

  it('a page that was reloaded asks anew, and the answer to either request is taken', async () => {
    const first = await atService()
    const address = first.page.hops.map(({ url }) => url).find(url => url.includes('sign_in='))
    const page = await first.browser.open(address ?? '')
    const second = { ...first, page, request: await service.read(page.url) }
    expect(second.request.jti).not.toBe(first.request.jti)
    expect(second.request.transaction).toBe(first.request.transaction)
    expect((await comeBack(first, await service.sign(answerOf(first)))).intercepted).toBe(true)
  })
})

describe('A09 the service is away', () => {
  it.each([
    ['does not answer', 'hang up'],
    ['fails', { status: 500, body: '' }],
    ['has moved', { status: 302, body: '' }],
    ['has no keys there', { status: 404, body: '{}' }],
    ['gives no JSON', { status: 200, body: '<html>' }],
    ['gives no keys', { status: 200, body: '{}' }],
  ] as const)('%s: 503 for the sign-in and for the decision', async (_name, ill) => {
    const at = await atService()
    const decision = await service.sign(answerOf(at))
    // Another replica, which has not had the keys yet.
    const runtime = createRuntime(server.settings, recordingLog(), Date.now)
    const replica = createServer(runtime.app)
    try {
      replica.listen(0, 'localhost')
      await once(replica, 'listening')
      const { port } = replica.address() as AddressInfo
      const there = (address: string) => {
        const url = new URL(address)
        url.port = String(port)
        return url.href
      }
      service.ill = ill
      const before = await connections()
      const show = at.page.hops.map(({ url }) => url).find(url => url.includes('sign_in='))
      for (const address of [show ?? '', addressOf(at, decision)]) {
        const page = await at.browser.open(there(address))
        expect([page.status, page.intercepted]).toEqual([503, false])
        expect(page.says).toContain('You cannot be asked right now')
        expect(page.headers.get('retry-after')).toBe('5')
        expect(await last('consent')).toMatchObject({
          outcome: 'error',
          error_code: 'consent_service_unreachable',
          email: 'alice@acme.example',
        })
      }
      expect(await connections()).toBe(before)
      // Nothing was used up: the page may be reloaded.
      service.ill = undefined
      const done = await at.browser.open(there(addressOf(at, decision)))
      expect(done.url.searchParams.get('code')).toBeTruthy()
    } finally {
      replica.close()
      replica.closeAllConnections()
      await runtime.close()
    }
  })
})

describe('A09 where our own page asks', () => {
  it('there is nothing at the address for decisions', async () => {
    const own = await openAuthorizationServer({ consent: { mode: 'internal' } })
    try {
      const { browser, page } = await ask({
        url: own.url,
        client_id: await newClient(own.url),
      })
      expect(formOf(page).buttons).toContainEqual(expect.objectContaining({ value: 'approve' }))
      const uid = page.url.pathname.split('/')[2] ?? ''
      const sign_in = page.url.searchParams.get('sign_in') ?? ''
      const decision = await service.sign({ decision: 'approve' })
      const answer = await browser.open(
        `${own.url}/connect/${uid}/consent?sign_in=${sign_in}&decision=${decision}`,
      )
      expect([answer.status, answer.intercepted]).toEqual([404, false])
    } finally {
      await own.close()
    }
  })
})

import { beforeAll, describe, expect, it } from '@jest/globals'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { callback, openBrowser } from '../../../../support/authorization-server.ts'
import type { Claims } from '../../../../support/consent-service.ts'
import {
  addressOf,
  type AtService,
  comeBack,
  externalConsent,
} from '../../../../support/external-consent.ts'
import { compact } from '../../../../support/signed-token.ts'

const { answerOf, atService, connections, expectRefused, last, server, service } = externalConsent()

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
  const gateway = () => server().settings.signing_keys[0]

  it.each<[string, string, () => string | Promise<string>]>([
    ['of another key', 'signature', () => service().sign(answerOf(at), {}, foreign)],
    ['of an unknown key', 'key', () => service().sign(answerOf(at), { kid: 'x' }, foreign)],
    ['of our own key', 'key', () => service().sign(answerOf(at), { kid: 's1' }, gateway().key)],
    ['that was changed', 'signature', () => changed({ org: 'globex' })],
    ['without signature', 'alg', () => compact(header('none'), answerOf(at))],
    ['with the signature left out', 'signature', () => compact(header('ES256'), answerOf(at))],
    [
      'with the public key as a secret (PEM)',
      'alg',
      () => withSecret(service().public_key.export({ type: 'spki', format: 'pem' })),
    ],
    [
      'with the public key as a secret (JWK)',
      'alg',
      () => withSecret(JSON.stringify(service().public_key.export({ format: 'jwk' }))),
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
    ['for another audience', 'aud', () => signed({ aud: `${server().url}/` })],
    ['for two audiences', 'aud', () => signed({ aud: [server().url, 'https://other.example'] })],
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
    ['that was made for another sign-in', 'transaction', () => service().sign(answerOf(other))],
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
    ['for another resource', 'resource', () => signed({ resource: `${server().url}/mcp/` })],
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
    service().sign(answerOf(at, changes), in_header)
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
    await comeBack(first, await service().sign(answerOf(first, { jti: 'the-same' })))
    const before = await connections()
    await expectRefused(await comeBack(at, await service().sign(used)), 'decision_used', before)
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

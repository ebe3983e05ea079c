import { describe, expect, it } from '@jest/globals'
import { decodeProtectedHeader } from 'jose'
import { rememberApproval } from '../../../../../storage/approvals.ts'
import { decideOrgClient } from '../../../../../storage/decide-org-client.ts'
import {
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  token,
} from '../../../../support/authorization-server.ts'
import { ask, newClient } from '../../../../support/consent-steps.ts'
import { comeBack, externalConsent, press } from '../../../../support/external-consent.ts'

const { answerOf, atService, connections, last, server, service } = externalConsent()

describe('A09 a service that decides', () => {
  it('is sent the browser with a signed request, and its approval connects', async () => {
    const client_id = await newClient(server().url, { client_name: 'Ali\u202Ece' })
    const sent = authorizationRequest(server().url, client_id)
    const browser = openBrowser()
    const connect = await browser.open(sent.url)
    const company = await browser.submit(connect, formOf(connect), {
      press: { name: 'provider', value: 'dev' },
    })
    const page = await browser.submit(company, formOf(company), {
      fields: { username: 'alice@acme.example', password: 'password' },
    })
    expect(page.url.href.startsWith(`${service().setting.url}&request=`)).toBe(true)
    expect(decodeProtectedHeader(page.url.searchParams.get('request') ?? '')).toEqual({
      alg: 'ES256',
      typ: 'consent-request+jwt',
      kid: server().settings.signing_keys[0].kid,
    })
    const request = await service().read(page.url)
    expect(request).toMatchObject({
      email: 'alice@acme.example',
      sub: expect.stringMatching(/^usr_/),
      orgs: ['acme'],
      client_id,
      client_name: 'Alice',
      client_kind: 'self_declared',
      redirect_uri: callback,
      resource: `${server().url}/mcp`,
      scopes: ['mcp:tools'],
      return_to: expect.stringMatching(`^${server().url}/connect/[^/]+/consent\\?sign_in=`),
    })
    expect(request.exp - request.iat).toBeLessThanOrEqual(300)
    const codes = () =>
      server()
        .db.selectFrom('oidc_records')
        .select('model')
        .where('model', '=', 'AuthorizationCode')
        .execute()
    expect(await codes()).toEqual([])
    const before = await connections()
    const done = await browser.submit(page, formOf(page), press('approve'))
    expect(done.intercepted).toBe(true)
    expect(done.url.searchParams.get('state')).toBe(sent.state)
    const { status } = await token(server().url, {
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
      iss: server().url,
    })
    expect(await last('consent')).toMatchObject({
      outcome: 'refused',
      error_code: 'access_denied',
      email: 'alice@acme.example',
    })
    expect(await connections()).toBe(before)
  })

  it('chooses the org of a person who has several', async () => {
    const client_id = await newClient(server().url)
    const { browser, page } = await atService({ client_id, user: 'erin@acme.example' })
    expect(formOf(page).fields.find(({ name }) => name === 'org')?.options).toEqual([
      'acme',
      'globex',
    ])
    await browser.submit(page, formOf(page), { ...press('approve'), fields: { org: 'acme' } })
    expect(await last('consent')).toMatchObject({ outcome: 'ok', org_id: 'acme', client_id })
  })

  it('is where the forms of the page before may lead', async () => {
    const { url } = authorizationRequest(server().url, await newClient(server().url))
    const connect = await openBrowser().open(url)
    expect(connect.headers.get('content-security-policy')).toMatch(
      /form-action [^;]*http:\/\/127\.0\.0\.1:\*/,
    )
  })

  it('is asked each time: nothing is remembered, and what was remembered is not used', async () => {
    const at = await atService()
    await at.browser.submit(at.page, formOf(at.page), press('approve'))
    const approvals = () =>
      server()
        .db.selectFrom('approvals')
        .select('skips_consent')
        .where('client_id', '=', at.client_id)
        .execute()
    expect(await approvals()).toEqual([])
    const key = {
      ...{ user_id: at.request.sub, org_id: 'acme', client_id: at.client_id },
      ...{ redirect: 'http://127.0.0.1', resource: at.request.resource },
    }
    await rememberApproval(server().db, key, { scopes: ['mcp:tools'], skips_consent: true })
    const { page } = await atService({ client_id: at.client_id })
    expect(page.url.href.startsWith(service().setting.url)).toBe(true)
  })

  it('takes the place of our own page: an approval posted to that is refused', async () => {
    const at = await atService({ user: 'erin@acme.example' })
    // The page of an org that denies has a form with this sign-in's token.
    const refusal = await comeBack(at, await service().sign(answerOf(at, { org: 'globex' })))
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
    const asked = { url: server().url, client_id: await newClient(server().url) }
    const { page } = await ask({ ...asked, user: 'carol@globex.example' })
    expect(page.says).toContain('Your organization does not allow this application')
    expect(page.url.origin).toBe(server().url)
  })

  it('counts for the org that was chosen; a later decision may be for another', async () => {
    const at = await atService({ user: 'erin@acme.example' })
    const before = await connections()
    const page = await comeBack(at, await service().sign(answerOf(at, { org: 'globex' })))
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ error_code: 'client_denied', org_id: 'globex' })
    expect(await connections()).toBe(before)
    const done = await comeBack(at, await service().sign(answerOf(at)))
    expect(done.url.searchParams.get('code')).toBeTruthy()
  })

  it('is looked at once more when the decision comes', async () => {
    const at = await atService()
    await decideOrgClient(
      { db: server().db, ring: server().settings.storage_keys },
      { org_id: 'acme', client_id: at.client_id },
      { status: 'refused', decided_by: 'operator' },
    )
    const page = await comeBack(at, await service().sign(answerOf(at)))
    expect([page.status, page.intercepted]).toEqual([403, false])
    expect(await last('consent')).toMatchObject({ error_code: 'client_denied' })
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
      const decision = await service().sign({ decision: 'approve' })
      const answer = await browser.open(
        `${own.url}/connect/${uid}/consent?sign_in=${sign_in}&decision=${decision}`,
      )
      expect([answer.status, answer.intercepted]).toEqual([404, false])
    } finally {
      await own.close()
    }
  })
})

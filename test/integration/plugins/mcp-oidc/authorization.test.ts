import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import {
  approve,
  authorizationRequest,
  type AuthorizationServer,
  callback,
  connect,
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

const events = (type: string) =>
  server.db
    .selectFrom('audit_events')
    .selectAll()
    .where('type', '=', type)
    .orderBy('id', 'desc')
    .execute()

describe('a whole authorization', () => {
  it('T01 A06 gives tokens for the user who signed in', async () => {
    const { client_id, answer, request, redemption } = await connect(server.url)
    expect(answer.get('state')).toBe(request.state)
    expect(answer.get('iss')).toBe(server.url)
    const { status, body } = await token(server.url, redemption)
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'mcp:tools' })
    expect(body.refresh_token).toEqual(expect.any(String))
    expect(decodeProtectedHeader(body.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const claims = decodeJwt(body.access_token)
    expect(claims).toMatchObject({
      iss: server.url,
      aud: `${server.url}/mcp`,
      client_id,
      scope: 'mcp:tools',
      org_id: 'acme',
    })
    expect(claims.sub).toMatch(/^usr_/)
    const connection = await server.db
      .selectFrom('connections')
      .selectAll()
      .where('id', '=', String(claims.sid))
      .executeTakeFirstOrThrow()
    expect(connection).toMatchObject({
      user_id: claims.sub,
      org_id: 'acme',
      client_id,
      idp_id: 'dev',
      status: 'active',
      last_used_at: expect.any(Date),
    })
  })

  it('M01 is admitted at the door with the identity of the user', async () => {
    const { redemption } = await connect(server.url, 'bob@acme.example')
    const { body } = await token(server.url, redemption)
    const verdict = await server.runtime.door.judge({ kind: 'bearer', token: body.access_token })
    expect(verdict).toMatchObject({
      refused: false,
      identity: { email: 'bob@acme.example', org_id: 'acme', roles: ['analyst'] },
    })
  })

  it('T11 A10 keeps alice and bob apart in one browser', async () => {
    const { client_id } = await register(server.url)
    const browser = openBrowser()
    const subjects = new Set<unknown>()
    for (const user of ['alice@acme.example', 'bob@acme.example']) {
      const request = authorizationRequest(server.url, client_id)
      const answer = await approve(browser, await signIn(browser, request.url, user))
      const { body } = await token(server.url, {
        grant_type: 'authorization_code',
        client_id,
        code: answer.get('code') ?? '',
        redirect_uri: callback,
        code_verifier: request.code_verifier,
      })
      subjects.add(decodeJwt(body.access_token).sub)
    }
    expect(subjects.size).toBe(2)
  })

  it('A12 lets two flows of one user in two tabs be', async () => {
    const { client_id } = await register(server.url)
    const browser = openBrowser()
    const [one, two] = [
      authorizationRequest(server.url, client_id),
      authorizationRequest(server.url, client_id),
    ]
    const first = await browser.open(one.url)
    const second = await browser.open(two.url)
    const press = { press: { name: 'provider', value: 'dev' } }
    const person = { fields: { username: 'alice@acme.example', password: 'password' } }
    const first_idp = await browser.submit(first, formOf(first), press)
    const first_consent = await browser.submit(first_idp, formOf(first_idp), person)
    let second_consent = await browser.submit(second, formOf(second), press)
    if (second_consent.url.origin === server.idp_url)
      second_consent = await browser.submit(second_consent, formOf(second_consent), person)
    expect((await approve(browser, second_consent)).get('state')).toBe(two.state)
    expect((await approve(browser, first_consent)).get('state')).toBe(one.state)
  })

  it('A06 offers the choice to a user of several orgs and binds the connection to one', async () => {
    const { redemption } = await connect(server.url, 'erin@acme.example', {}, { org: 'globex' })
    expect(decodeJwt((await token(server.url, redemption)).body.access_token).org_id).toBe('globex')
  })

  it('A06 turns away a user without an org with a page that says why, and an audit event', async () => {
    const { client_id } = await register(server.url)
    const page = await signIn(
      openBrowser(),
      authorizationRequest(server.url, client_id).url,
      'mallory@nowhere.example',
    )
    expect(page.status).toBe(403)
    expect(page.html).toContain('belongs to no organization')
    expect((await events('sign_in'))[0]).toMatchObject({
      outcome: 'refused',
      error_code: 'no_org',
      email: 'mallory@nowhere.example',
    })
  })

  it('T03 rotates refresh tokens', async () => {
    const { client_id, redemption } = await connect(server.url)
    const first = await token(server.url, redemption)
    const second = await token(server.url, {
      grant_type: 'refresh_token',
      client_id,
      refresh_token: first.body.refresh_token,
    })
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token)
    const verdict = await server.runtime.door.judge({
      kind: 'bearer',
      token: second.body.access_token,
    })
    expect(verdict.refused).toBe(false)
  })

  it('D01 answers with one issuer everywhere', async () => {
    const { answer, redemption } = await connect(server.url)
    const { body } = await token(server.url, redemption)
    const json = async (path: string) =>
      (await (await fetch(server.url + path)).json()) as {
        issuer: string
        authorization_servers: string[]
      }
    const issuer = (await json('/.well-known/oauth-authorization-server')).issuer
    expect([
      answer.get('iss'),
      decodeJwt(body.access_token).iss,
      (await json('/.well-known/oauth-protected-resource')).authorization_servers[0],
    ]).toEqual([issuer, issuer, issuer])
  })
})

describe('the code', () => {
  it('A01 is good once; its second use ends what the first one issued', async () => {
    const { redemption } = await connect(server.url)
    const first = await token(server.url, redemption)
    expect(first.status).toBe(200)
    const second = await token(server.url, redemption)
    expect([second.status, second.body.error]).toEqual([400, 'invalid_grant'])
    const { sid } = decodeJwt(first.body.access_token)
    expect(
      await server.db
        .selectFrom('connections')
        .select('status')
        .where('id', '=', String(sid))
        .executeTakeFirst(),
    ).toEqual({ status: 'ended' })
    const refreshed = await token(server.url, {
      grant_type: 'refresh_token',
      client_id: redemption.client_id,
      refresh_token: first.body.refresh_token,
    })
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('A01 gives one success to ten simultaneous redemptions', async () => {
    const { redemption } = await connect(server.url)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => token(server.url, redemption)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(
      answers.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant'),
    ).toHaveLength(9)
    const { access_token } = answers.find(({ status }) => status === 200)?.body ?? {
      access_token: '',
    }
    // Nobody can tell which of the ten was the thief.
    expect(await server.runtime.door.judge({ kind: 'bearer', token: access_token })).toMatchObject({
      refused: true,
      status: 401,
    })
  })

  it.each([
    ['a wrong verifier', { code_verifier: 'a'.repeat(43) }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1:53682/other' }],
    ['another port', { redirect_uri: 'http://127.0.0.1:53683/callback' }],
  ])('A01 is refused with %s', async (_name, change) => {
    const { redemption } = await connect(server.url)
    const { status, body } = await token(server.url, { ...redemption, ...change })
    expect(status).toBe(400)
    expect(body).not.toHaveProperty('access_token')
  })

  it('A01 is refused to another client', async () => {
    const { redemption } = await connect(server.url)
    const other = await register(server.url, { client_name: 'Another client' })
    const { status, body } = await token(server.url, { ...redemption, client_id: other.client_id })
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  it.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
  ])('A01 A02 is not even begun with %s', async (_name, change) => {
    const { client_id } = await register(server.url)
    const page = await openBrowser().open(authorizationRequest(server.url, client_id, change).url)
    expect(page.intercepted).toBe(true)
    expect(page.url.searchParams.get('error')).toBe('invalid_request')
    expect(page.url.searchParams.get('iss')).toBe(server.url)
    expect(page.url.searchParams.get('state')).not.toBeNull()
  })
})

describe('T07 revoking a refresh token', () => {
  const revoke = (client_id: string, value: string) =>
    fetch(`${server.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id, token: value }),
    })

  it('ends the connection at the door, and is 200 for an unknown token', async () => {
    const { client_id, redemption } = await connect(server.url)
    const { body } = await token(server.url, redemption)
    expect((await revoke(client_id, 'unknown')).status).toBe(200)
    expect((await revoke(client_id, body.refresh_token)).status).toBe(200)
    const verdict = await server.runtime.door.judge({ kind: 'bearer', token: body.access_token })
    expect(verdict).toMatchObject({ refused: true, status: 401 })
  })

  it("leaves another client's alone", async () => {
    const { redemption } = await connect(server.url)
    const { body } = await token(server.url, redemption)
    const other = await register(server.url, { client_name: 'Another client' })
    await revoke(other.client_id, body.refresh_token)
    const verdict = await server.runtime.door.judge({ kind: 'bearer', token: body.access_token })
    expect(verdict).toMatchObject({ refused: false })
  })
})

import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { openDatabase } from '../../storage/database.ts'
import * as person from '../../gateway/local/demo/person.ts'
import { authorizationRequest, openBrowser, register, token } from './authorization-server.ts'
import type { CanaryStack } from './canary-stack.ts'
import { callWhoami, whoamiOf } from './tool-call.ts'

export const wrong_password = randomBytes(16).toString('base64url')

/** A connection through the identity provider `company`, from registration to tokens. */
async function connect({ url }: CanaryStack, metadata: object = {}) {
  const client = await register(url, metadata)
  const browser = openBrowser()
  const request = authorizationRequest(url, client.client_id, { scope: 'openid mcp:tools' })
  const form = await person.chooseProvider(browser, await browser.open(request.url), 'company')
  const user = 'erin@acme.example'
  const again = await person.signIn(browser, form, { user, password: wrong_password })
  const consent = await person.signIn(browser, again, { user, password: 'password' })
  const done = await person.decide(browser, consent, 'approve', person.firstOrg(consent))
  const redemption = {
    grant_type: 'authorization_code',
    client_id: client.client_id,
    ...(client.client_secret === undefined ? {} : { client_secret: client.client_secret }),
    code: done.url.searchParams.get('code') ?? '',
    redirect_uri: 'http://127.0.0.1:53682/callback',
    code_verifier: request.code_verifier,
  }
  return { client, redemption }
}

async function expectStatus(answer: Promise<{ readonly status: number }>, wanted: number) {
  const { status } = await answer
  if (status !== wanted) throw new Error(`answered ${status}, not ${wanted}`)
}

/** Somebody signs in to the console, and sees what they have connected. */
async function visitConsole({ url }: CanaryStack): Promise<void> {
  const browser = openBrowser()
  const form = await person.chooseProvider(browser, await browser.open(`${url}/console`), 'company')
  const user = 'erin@acme.example'
  const page = await person.signIn(browser, form, { user, password: 'password' })
  if (!page.url.href.startsWith(`${url}/console`))
    throw new Error(`the console was not reached, but ${page.url.href}`)
}

/** All that goes well: sign-in, token, refresh, a call, userinfo, revocation, and the console. */
export async function goThrough(stack: CanaryStack) {
  const { url } = stack
  await visitConsole(stack)
  const { client, redemption } = await connect(stack)
  const { body } = await token(url, redemption)
  whoamiOf(await callWhoami(url, { token: body.access_token }))
  const { client_id } = client
  const next = await token(url, {
    grant_type: 'refresh_token',
    client_id,
    refresh_token: body.refresh_token,
  })
  whoamiOf(await callWhoami(url, { token: next.body.access_token }))
  const headers = { authorization: `Bearer ${body.access_token}` }
  await (await fetch(`${url}/userinfo`, { headers })).text()
  const confidential = await connect(stack, { token_endpoint_auth_method: 'client_secret_post' })
  const owned = await token(url, confidential.redemption)
  const { client_secret = '' } = confidential.client
  const body_of_revocation = new URLSearchParams({
    token: owned.body.refresh_token,
    client_id: confidential.client.client_id,
    client_secret,
  })
  await expectStatus(fetch(`${url}/revoke`, { method: 'POST', body: body_of_revocation }), 200)
  return { client, redemption, tokens: next.body }
}

/** Everything a client, a thief or a mistaken programmer gets refused. */
export async function beRefused(
  { url }: CanaryStack,
  { client, redemption, tokens }: Awaited<ReturnType<typeof goThrough>>,
): Promise<void> {
  const { access_token, refresh_token } = tokens
  const forged = access_token.replace(
    /\.(.)([^.]*)$/,
    (_, first: string, rest: string) => `.${first === 'A' ? 'B' : 'A'}${rest}`,
  )
  await expectStatus(callWhoami(url, { token: forged }), 401)
  await expectStatus(callWhoami(url, { token: refresh_token }), 401)
  await expectStatus(callWhoami(url, { path: `/mcp?access_token=${access_token}` }), 401)
  const basic = Buffer.from(`${client.client_id}:${refresh_token}`).toString('base64')
  await expectStatus(callWhoami(url, { headers: ['Authorization', `Basic ${basic}`] }), 401)
  await expectStatus(
    token(url, { ...redemption, code_verifier: randomBytes(32).toString('base64url') }),
    400,
  )
  const { client_id } = client
  await expectStatus(
    token(url, { grant_type: 'refresh_token', client_id, refresh_token: `${refresh_token}x` }),
    400,
  )
  await expectStatus(fetch(`${url}/token?refresh_token=${refresh_token}`, { method: 'POST' }), 400)
  await expectStatus(
    fetch(`${url}/nowhere?code=${redemption.code}`, {
      headers: { referer: `${url}/callback/dev?code=${redemption.code}` },
    }),
    404,
  )
  await expectStatus(
    fetch(`${url}/register`, { method: 'POST', body: `{"client_secret": "${refresh_token}` }),
    400,
  )
}

/** The identity provider fails, in the worst words it can find, at every step. */
export async function meetFailingIdp(stack: CanaryStack): Promise<void> {
  const { url, idp } = stack
  const answers: ((sent: string) => { status: number; body: string })[] = [
    sent => ({
      status: 400,
      body: JSON.stringify({
        error: 'invalid_grant',
        error_description: `${sent} ${stack.client_secret}`,
      }),
    }),
    sent => ({ status: 500, body: `<html>${sent}</html>` }),
    sent => ({
      status: 200,
      body: JSON.stringify({ token_type: 'bearer', access_token: sent, id_token: 'a.b.c' }),
    }),
  ]
  for (const answer of answers) {
    idp.answer = (path, sent) => (path === '/token' ? answer(sent) : undefined)
    const { status } = await signInAt(stack)
    if (status < 400) throw new Error('the answer of the identity provider was believed')
  }
  idp.answer = undefined
  const { client_id } = await register(url)
  const browser = openBrowser()
  const { url: request } = authorizationRequest(url, client_id)
  const form = await person.chooseProvider(browser, await browser.open(request), 'company')
  const leaving = form.hops.find(hop => hop.url.startsWith(`http://localhost:${idp.port}/`))
  const state = new URL(leaving?.url ?? '').searchParams.get('state') ?? ''
  const refused = `${url}/callback/company?error=access_denied&error_description=${stack.client_secret}&state=${state}`
  await expectStatus(browser.open(refused), 403)
}

async function signInAt({ url }: CanaryStack) {
  const { client_id } = await register(url)
  const browser = openBrowser()
  const request = authorizationRequest(url, client_id)
  const form = await person.chooseProvider(browser, await browser.open(request.url), 'company')
  return person.signIn(browser, form, { user: 'alice@acme.example', password: 'password' })
}

/** The tables are gone while people sign in, redeem, refresh and call. */
export async function meetBrokenDatabase(stack: CanaryStack): Promise<void> {
  const { url } = stack
  const db = openDatabase(stack.database_url, { max: 1 })
  const [fresh, used] = [await connect(stack), await connect(stack)]
  const { body } = await token(url, used.redemption)
  const { client_id } = used.client
  for (const table of ['connections', 'oidc_records', 'audit_events']) {
    await sql`alter table ${sql.table(table)} rename to gone`.execute(db)
    await token(url, fresh.redemption)
    await token(url, { grant_type: 'refresh_token', client_id, refresh_token: body.refresh_token })
    await callWhoami(url, { token: body.access_token })
    await signInAt(stack).catch((error: unknown) => {
      // Which page the way ends at depends on the table.
      if (!(error instanceof Error)) throw error
    })
    await sql`alter table gone rename to ${sql.table(table)}`.execute(db)
  }
  await db.destroy()
}

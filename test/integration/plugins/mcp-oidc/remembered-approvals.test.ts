import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { endConnections } from '../../../../storage/end-connections.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  signIn,
} from '../../../support/authorization-server.ts'
import { allow, ask, type Asked, newClient, remember } from '../../../support/consent-steps.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer({
    scopes: [
      { name: 'mcp:tools', description: 'Use the tools in your name', default: true },
      { name: 'mcp:write', description: 'Change what the tools keep', default: false },
    ],
  })
})
afterAll(() => server.close())

const { last, connections } = signInSteps(() => server)
const store = () => ({ db: server.db, ring: server.settings.storage_keys })

/** A client that alice has allowed, with the box ticked. */
async function approved(metadata: object = {}, asked: Partial<Asked> = {}): Promise<string> {
  const client_id = await newClient(server.url, metadata)
  await allow(await ask({ url: server.url, client_id, ...asked }), remember)
  return client_id
}

const again = (client_id: string, asked: Partial<Asked> = {}) =>
  ask({ url: server.url, client_id, ...asked })

describe('A08 a remembered approval', () => {
  it('skips the consent page: a connection of its own, a code, and a record that says so', async () => {
    const client_id = await approved()
    const before = await connections()
    const { page } = await again(client_id)
    expect(page.intercepted).toBe(true)
    expect(page.url.searchParams.get('code')).toEqual(expect.any(String))
    expect(await connections()).toBe(before + 1)
    const made = await server.db
      .selectFrom('connections')
      .select('id')
      .where('client_id', '=', client_id)
      .orderBy('created_at', 'desc')
      .executeTakeFirst()
    expect(await last('consent')).toMatchObject({
      outcome: 'ok',
      reason: 'remembered',
      connection_id: made?.id,
      org_id: 'acme',
      client_id,
      email: 'alice@acme.example',
    })
  })

  it('never skips the page that names the client', async () => {
    const client_id = await approved()
    const { browser } = await again(client_id)
    const { url } = authorizationRequest(server.url, client_id)
    const connect = await browser.open(url)
    expect(connect.intercepted).toBe(false)
    expect(formOf(connect).buttons).toContainEqual(expect.objectContaining({ name: 'provider' }))
  })

  it('is not made by an approval with the box unticked', async () => {
    const client_id = await newClient(server.url)
    await allow(await ask({ url: server.url, client_id }))
    const { page } = await again(client_id)
    expect(page.intercepted).toBe(false)
    expect(page.html).toContain('You have allowed it before to')
  })

  it('ends when the person leaves the box unticked the next time', async () => {
    const client_id = await approved()
    await allow(await again(client_id, { parameters: { prompt: 'consent' } }))
    expect((await again(client_id)).page.intercepted).toBe(false)
  })

  it.each([
    ['another person', { user: 'bob@acme.example' }],
    ['a person with several orgs', { user: 'erin@acme.example' }],
    ['a further scope', { parameters: { scope: 'mcp:tools mcp:write' } }],
    ['a scope of OpenID that was not there', { parameters: { scope: 'openid mcp:tools' } }],
    ['prompt=consent', { parameters: { prompt: 'consent' } }],
    ['prompt=login consent', { parameters: { prompt: 'login consent' } }],
    ['a request from another site', { fetch_site: 'cross-site' }],
    ['a request from a sibling site', { fetch_site: 'same-site' }],
    ['a browser that does not say', { fetch_site: undefined }],
    ['a browser that says two things', { fetch_site: 'none, none' }],
    ['a browser that says nonsense', { fetch_site: 'NONE' }],
  ] satisfies [string, Partial<Asked>][])('does not count for %s', async (_name, asked) => {
    const client_id = await approved()
    const { page } = await again(client_id, asked)
    expect(page.intercepted).toBe(false)
    expect(formOf(page).buttons).toContainEqual(
      expect.objectContaining({ name: 'decision', value: 'approve' }),
    )
  })

  it('counts for a request from a page of our own', async () => {
    const client_id = await approved()
    expect((await again(client_id, { fetch_site: 'same-origin' })).page.intercepted).toBe(true)
  })

  it('is for the very client: one that calls itself the same is asked', async () => {
    await approved({ client_name: 'Twin', redirect_uris: [callback] })
    const redirect_uris = [callback, 'http://127.0.0.1/other']
    const twin = await newClient(server.url, { client_name: 'Twin', redirect_uris })
    expect((await again(twin)).page.intercepted).toBe(false)
  })

  it('is for one address: another registered one is asked, and the page says that it is new', async () => {
    const other = 'https://client.example/callback'
    const client_id = await approved({ redirect_uris: [callback, other] })
    const { page } = await again(client_id, { parameters: { redirect_uri: other } })
    expect(page.intercepted).toBe(false)
    expect(page.html).toContain('has not sent you to this address before')
  })

  it('is for any loopback port, as the client takes another one each time', async () => {
    const client_id = await approved({ redirect_uris: ['http://127.0.0.1:1234/callback'] })
    const { page } = await again(client_id, {
      parameters: { redirect_uri: 'http://127.0.0.1:53682/callback' },
    })
    expect(page.intercepted).toBe(true)
  })

  it('of several orgs, one is always chosen again', async () => {
    const client_id = await newClient(server.url)
    const erin = { url: server.url, client_id, user: 'erin@acme.example' }
    await allow(await ask(erin), { ...remember, org: 'globex' })
    const { page } = await ask(erin)
    expect(formOf(page).fields.find(({ name }) => name === 'org')?.options).toContain('globex')
  })

  it('shows what is new apart from what was allowed, and then covers both', async () => {
    const client_id = await approved()
    const more = { parameters: { scope: 'mcp:tools mcp:write' } }
    const asked = await again(client_id, more)
    const [fresh = '', before = ''] = asked.page.html.split('You have allowed it before to')
    expect(fresh).toContain('New: it will also be able to')
    expect(fresh).toContain('Change what the tools keep')
    expect(fresh).not.toContain('Use the tools in your name')
    expect(before).toContain('Use the tools in your name')
    await allow(asked, remember)
    expect((await again(client_id, more)).page.intercepted).toBe(true)
    expect((await again(client_id)).page.intercepted).toBe(true)
  })

  it('is not shown to another person as theirs', async () => {
    const client_id = await approved()
    const { page } = await again(client_id, { user: 'bob@acme.example' })
    expect(page.html).not.toContain('You have allowed it before to')
  })

  it('a browser that was signed in before makes none: the next client is asked', async () => {
    const { browser } = await again(await approved())
    const { url } = authorizationRequest(server.url, await newClient(server.url))
    const page = await signIn(browser, url)
    expect(page.url.pathname).toMatch(/^\/connect\//)
    expect(formOf(page).buttons).toContainEqual(expect.objectContaining({ name: 'decision' }))
  })

  it('a copy of the page cannot use it a second time', async () => {
    const client_id = await approved()
    const { browser, page } = await again(client_id)
    const address = page.hops.map(({ url }) => url).find(url => url.includes('sign_in='))
    const before = await connections()
    const copy = await browser.open(address ?? '')
    expect([copy.status, copy.intercepted]).toEqual([400, false])
    expect(copy.says).toContain('This request was answered already')
    expect(await connections()).toBe(before)
  })

  it.each([
    ['user_revoked', false],
    ['operator', false],
    ['refresh_token_reused', false],
    ['client_revoked', true],
    ['idp_logout', true],
  ])('after the end of a connection by %s it counts: %s', async (reason, counts) => {
    const client_id = await approved()
    await endConnections(store(), { client_id, org_id: 'acme' }, reason)
    expect((await again(client_id)).page.intercepted).toBe(counts)
  })

  it('is forgotten with the connection of this client and org only', async () => {
    const [one, other] = [await approved(), await approved()]
    await endConnections(store(), { client_id: one }, 'user_revoked')
    expect((await again(other)).page.intercepted).toBe(true)
  })

  it('is forgotten after half a year without use', async () => {
    const client_id = await approved()
    await server.db
      .updateTable('approvals')
      .set({ last_used_at: new Date(Date.now() - 181 * 86_400_000) })
      .where('client_id', '=', client_id)
      .execute()
    expect((await again(client_id)).page.intercepted).toBe(false)
  })
})

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Browser, Page } from '../../../gateway/local/demo/browser.ts'
import { endBrowserSessions } from '../../../storage/end-connections.ts'
import {
  type ConsoleOptions,
  type ConsoleServer,
  openConsole,
  visit,
} from '../../support/console.ts'

let server: ConsoleServer
let browser: Browser
const members = '/console/orgs/acme/members'
const alice = () => server.userId('dev-alice')

async function signIn(): Promise<void> {
  ;({ browser } = await visit(server, 'alice@acme.example'))
}
async function begin(options: ConsoleOptions = {}): Promise<void> {
  server = await openConsole(options)
  await signIn()
}
const open = (path = members): Promise<Page> => browser.open(new URL(path, server.url))
const asksToSignIn = (page: Page) => page.says.includes('Sign in to Console')
const sessions = () =>
  server.db
    .selectFrom('oidc_records')
    .select('model')
    .where('model', 'in', ['Session', 'ConsoleSession'])
    .execute()

describe('rights in the console', () => {
  beforeAll(async () => {
    server = await openConsole()
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    await sql`truncate oidc_records, signed_in_people, audit_events`.execute(server.db)
    Object.assign(server.company.user('alice@acme.example'), { orgs: ['acme'], roles: ['admin'] })
    await signIn()
  })

  it('C01 an admin who is none any more at the company is none here a minute later', async () => {
    expect((await open()).status).toBe(200)
    server.company.user('alice@acme.example').roles = ['analyst']
    expect((await open()).status).toBe(200)
    const asked = server.company.refreshes
    await server.lastAsked(61)
    expect((await open()).status).toBe(404)
    expect((await open('/console')).html).not.toContain('Members')
    expect(server.company.refreshes).toBe(asked + 1)
  })

  it('C01 and is one again as soon as the company says so', async () => {
    server.company.user('alice@acme.example').roles = []
    await server.lastAsked(61)
    expect((await open()).status).toBe(404)
    server.company.user('alice@acme.example').roles = ['admin']
    await server.lastAsked(61)
    expect((await open()).status).toBe(200)
  })

  it('C01 an organization that is lost is gone with the next question, and another one is there', async () => {
    server.company.user('alice@acme.example').orgs = ['globex']
    await server.lastAsked(61)
    expect((await open()).status).toBe(404)
    expect((await open('/console/orgs/globex/members')).status).toBe(200)
  })

  it('C01 many requests at once ask the company once, whose tokens are good once', async () => {
    const asked = server.company.refreshes
    await server.lastAsked(61)
    const pages = await Promise.all(Array.from({ length: 8 }, () => open()))
    expect(pages.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(server.company.refreshes).toBe(asked + 1)
    await server.lastAsked(61)
    expect((await open()).status).toBe(200)
    expect(server.company.refreshes).toBe(asked + 2)
  })

  it('C01 who only has a session has no rights: what is known of them is asked for at each request', async () => {
    await sql`delete from signed_in_people`.execute(server.db)
    expect(asksToSignIn(await open())).toBe(true)
  })

  it('T08 C01 an operator or admin who ends everything of somebody signs them out', async () => {
    expect(await endBrowserSessions(server.store, alice())).toBe(2)
    expect(asksToSignIn(await open())).toBe(true)
  })

  it('T08 C01 and so does the company, by back-channel logout', async () => {
    const logout_token = await server.company.sign(
      {
        iss: server.company.issuer,
        sub: 'dev-alice',
        aud: 'mcp-oidc-gateway',
        iat: Math.floor(Date.now() / 1000),
        exp: Math.floor(Date.now() / 1000) + 60,
        jti: randomUUID(),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      },
      { typ: 'logout+jwt' },
    )
    const answer = await fetch(`${server.url}/backchannel-logout/dev`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token }),
    })
    expect(answer.status).toBe(200)
    expect(asksToSignIn(await open())).toBe(true)
  })

  it('C01 an expired session leads to the sign-in, and its form changes nothing', async () => {
    const page = await open('/console')
    const form = page.forms.find(({ action }) => action === '/console/sign-out')
    if (!form) throw new Error('no form')
    await sql`update oidc_records set expires_at = now() where model = 'ConsoleSession'`.execute(
      server.db,
    )
    const answer = await browser.submit(page, form)
    expect(answer.status).toBe(401)
    expect(answer.says).toContain('You are signed out')
    expect(asksToSignIn(await open('/console'))).toBe(true)
  })

  it('C01 a database that cannot be read signs nobody out', async () => {
    await sql`alter table oidc_records rename to elsewhere`.execute(server.db)
    const page = await open('/console')
    await sql`alter table elsewhere rename to oidc_records`.execute(server.db)
    expect(page.status).toBe(503)
    expect(page.html).not.toContain('alice')
    expect(server.console_log.join('')).toContain('a session could not be read')
    expect((await open('/console')).status).toBe(200)
  })

  it('C03 the way back from the sign-in counts once, in the browser that began it', async () => {
    const answer = await fetch(`${server.url}/console/callback?code=x&state=y`)
    expect(answer.status).toBe(400)
    const text = await answer.text()
    expect(text).toContain('You were not signed in')
    expect(text).not.toContain('cookie not found')
  })

  it.each([
    [
      'belongs to no organization',
      () => void (server.company.user('alice@acme.example').orgs = []),
      'no_org',
    ],
    // The last one: she does not come back.
    ['is dismissed', () => server.company.dismiss('alice@acme.example'), 'invalid_grant'],
  ])(
    'C01 M05 somebody who %s is signed out in every browser, on record',
    async (_name, change, reason) => {
      const other = await visit(server, 'alice@acme.example')
      change()
      await server.lastAsked(61)
      expect(asksToSignIn(await open())).toBe(true)
      expect(asksToSignIn(await other.browser.open(new URL(members, server.url)))).toBe(true)
      expect((await sessions()).filter(({ model }) => model === 'ConsoleSession')).toEqual([])
      const events = await server.db
        .selectFrom('audit_events')
        .select(['user_id', 'reason'])
        .where('type', '=', 'logout')
        .execute()
      expect(events).toMatchObject([
        { user_id: alice(), reason: expect.stringContaining(reason) as unknown },
      ])
    },
  )
})

describe('when the company cannot be asked', () => {
  afterEach(() => server.close())
  const fail = () => {
    server.company.trouble = ({ url = '' }) => (url.startsWith('/token') ? 'fail' : undefined)
  }

  it('C01 the console goes on for as long as it may, then shows nothing, and loses nobody', async () => {
    await begin()
    fail()
    await server.lastAsked(61)
    expect((await open()).status).toBe(200)
    await sql`update signed_in_people set idp_unavailable_since = now() - interval '2 hours'`.execute(
      server.db,
    )
    const closed = await open()
    expect([closed.status, closed.says]).toEqual([
      503,
      expect.stringContaining('Your access cannot be confirmed now'),
    ])
    expect(closed.html).not.toContain('alice')
    server.company.trouble = undefined
    await server.lastAsked(61)
    expect((await open()).status).toBe(200)
    expect((await open()).status).toBe(200)
  })

  it('C01 a gateway that does not answer leaves the console closed', async () => {
    await begin()
    await server.lastAsked(61)
    server.put('/userinfo', (_req, res) => void res.writeHead(503).end())
    const page = await open()
    expect([page.status, page.says]).toEqual([
      503,
      expect.stringContaining('Your access cannot be confirmed now'),
    ])
    expect(page.html).not.toContain('alice')
  })

  it('T06 C01 where it gives nothing to ask with, a sign-in lasts an hour', async () => {
    await begin({ company: { settings: { roles_claim: 'roles' }, refresh_tokens: false } })
    const { rows } = await sql<{ seconds: number }>`
      select extract(epoch from expires_at - now())::int as seconds from signed_in_people`.execute(
      server.db,
    )
    expect(rows[0]?.seconds).toBeGreaterThan(3_500)
    expect(rows[0]?.seconds).toBeLessThanOrEqual(3_600)
    await server.lastAsked(1_000)
    expect((await open()).status).toBe(200)
    await sql`update signed_in_people set expires_at = now()`.execute(server.db)
    expect(asksToSignIn(await open())).toBe(true)
  })
})

import { describe, expect, it } from '@jest/globals'
import { development_users } from '../../gateway/local/idp/users.ts'
import { openAuthorizationServer } from '../support/authorization-server.ts'
import { web_host } from './client-servers.ts'
import { inChromium, patience } from './in-chromium.ts'
import { arrive, decide, heading, signIn, words } from './person.ts'

const private_use = 'cursor://anysphere.cursor-mcp/oauth/callback'
const grouped = {
  sub: 'dev-grace',
  email: 'grace@acme.example',
  name: 'Grace Groups',
  orgs: ['acme'],
  roles: Array.from({ length: 300 }, (_, n) => `group-with-a-long-name-${n}`),
  password: 'password',
}

const at = inChromium(() => openAuthorizationServer({}, { users: [...development_users, grouped] }))

describe('in Chromium', () => {
  it.each(['web_callback', 'loopback_callback'] as const)(
    'A10 an approval reaches a client at its %s, which may pass the browser on',
    async place => {
      const asked = await at.ask(at.clients[place])
      await signIn(at.page, asked.url)
      await decide(at.page, 'approve')
      await arrive(at.page)
      expect(await at.redeem(asked)).toMatchObject({ client_id: asked.client_id, org_id: 'acme' })
    },
    patience,
  )

  it(
    'A10 an approval reaches a private-use scheme',
    async () => {
      const asked = await at.ask(private_use)
      const cdp = await at.context.newCDPSession(at.page)
      await cdp.send('Network.enable')
      const followed = new Promise<string>(resolve =>
        cdp.on('Network.requestWillBeSent', ({ request }) => {
          if (request.url.startsWith('cursor:')) resolve(request.url)
        }),
      )
      await signIn(at.page, asked.url)
      await decide(at.page, 'approve')
      expect(new URL(await followed).searchParams.get('state')).toBe(asked.state)
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A07 Deny tells the client, and leaves nothing behind',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url)
      await decide(at.page, 'deny')
      await arrive(at.page)
      expect(at.answerTo(asked)?.get('error')).toBe('access_denied')
      expect(at.answerTo(asked)?.has('code')).toBe(false)
    },
    patience,
  )

  it(
    'A03 the only sign-in is offered too, on the page that names the client',
    async () => {
      const asked = await at.ask(undefined, {}, { client_name: 'Never seen before' })
      await at.page.goto(asked.url.href)
      expect(await heading(at.page)).toContain('Never seen before wants to connect')
      expect(await at.page.locator('button').allInnerTexts()).toEqual([
        expect.stringContaining('Company sign-in'),
      ])
    },
    patience,
  )

  it(
    'A06 somebody with two organizations must choose one',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url, 'erin@acme.example')
      await decide(at.page, 'approve')
      // The browser itself asks for the missing choice.
      expect(await at.page.locator('select:invalid').count()).toBe(1)
      await at.page.locator('select[name=org]').selectOption('globex')
      await decide(at.page, 'approve')
      await arrive(at.page)
      expect(await at.redeem(asked)).toMatchObject({ org_id: 'globex' })
    },
    patience,
  )

  it(
    'A06 somebody without an organization is told so',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url, 'mallory@nowhere.example')
      expect(await heading(at.page)).toContain('no access')
      expect(at.answerTo(asked)).toBeUndefined()
    },
    patience,
  )

  it(
    'A10 somebody with 300 groups signs in',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url, grouped.email)
      await decide(at.page, 'approve')
      await arrive(at.page)
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A10 alice, then bob, in one browser',
    async () => {
      const subjects: unknown[] = []
      for (const user of ['alice@acme.example', 'bob@acme.example']) {
        const asked = await at.ask()
        const tab = await at.context.newPage()
        await signIn(tab, asked.url, user)
        expect(await words(tab)).toContain(user)
        await decide(tab, 'approve')
        await arrive(tab)
        subjects.push((await at.redeem(asked))['sub'])
      }
      expect(new Set(subjects).size).toBe(2)
    },
    patience,
  )

  it(
    'A10 200 clients later every Cookie header is below 2 kB',
    async () => {
      const [first, ...others] = await Promise.all(
        [...Array(200).keys()].map(n => at.ask(`https://${web_host}/callback/${n}`)),
      )
      const last = others.pop()
      if (!first || !last) throw new Error('no clients')
      await at.page.goto(first.url.href)
      // The browser's own requests, from another page of the same site, for speed.
      await at.page.goto(at.clients.loopback_callback.replace('127.0.0.1', 'localhost'))
      await at.page.evaluate(
        async urls => {
          const ask = (url: string) => fetch(url, { mode: 'no-cors', credentials: 'include' })
          while (urls.length > 0) await Promise.all(urls.splice(0, 6).map(ask))
        },
        others.map(({ url }) => url.href),
      )
      const { cookies } = await at.context.storageState()
      expect(cookies.length).toBeGreaterThan(100)
      const sent: Promise<string>[] = []
      at.page.on('request', request => {
        if (request.isNavigationRequest() && request.url().startsWith(`${at.server.url}/`))
          sent.push(request.allHeaders().then(({ cookie = '' }) => cookie))
      })
      await signIn(at.page, last.url)
      await decide(at.page, 'approve')
      await arrive(at.page)
      await at.redeem(last)
      const headers = await Promise.all(sent)
      // To /authorize, the page, its answer, the callback, the consent page, its answer, the way back.
      expect(headers.length).toBeGreaterThanOrEqual(7)
      for (const header of headers) expect(header).toContain('mcp_browser=')
      expect(Math.max(...headers.map(({ length }) => length))).toBeLessThan(2048)
    },
    2 * patience,
  )
})

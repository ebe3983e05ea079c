import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import axe from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { bearerToken } from '../../plugins/mcp-oidc/door/bearer-token.ts'
import { assets } from '../../plugins/mcp-oidc/pages/assets.ts'
import {
  approve,
  authorizationRequest,
  connect,
  openBrowser,
  register,
  signIn as signInClient,
  token,
} from '../support/authorization-server.ts'
import { type ConsoleServer, openConsole } from '../support/console.ts'
import { seedWorld } from '../support/console-world.ts'
import { expectSoon } from '../support/soon.ts'
import { launchChromium } from './chromium.ts'
import { tabTo } from './keyboard.ts'
import { observe } from './observe.ts'
import { enter } from './person.ts'

const patience = 60_000
const screenshots = join(import.meta.dirname, 'screenshots')
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1200, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1200, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
} as const

let server: ConsoleServer
let browser: Browser
beforeAll(async () => {
  server = await openConsole({
    settings: { org_policies: [{ org: 'acme', unknown_clients: 'ask' }] },
    environment: { KONG_CONFIG: join(import.meta.dirname, '../../config/kong.yml') },
  })
  await seedWorld(server.store, sub => server.userId(sub))
  await mkdir(screenshots, { recursive: true })
  browser = await launchChromium()
}, patience)
afterAll(async () => {
  await browser.close()
  await server.close()
}, patience)

/** Somebody signed in to the console, without JavaScript. Whatever their browser complains of fails the test. */
async function visitor(
  username: string,
): Promise<{ readonly page: Page; readonly done: () => Promise<void> }> {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const observed = observe(context)
  const page = await context.newPage()
  await page.goto(`${server.url}/console`)
  await page.locator('button[name=provider]').click()
  await enter(page, username)
  await page.waitForURL(`${server.url}/console`)
  return {
    page,
    async done() {
      await context.close()
      expect(observed.complaints).toEqual([])
    },
  }
}

/** An AI client of somebody of globex, where nobody has to be asked, with its token. */
async function client(username: string) {
  const { redemption, client_id } = await connect(server.url, username)
  const { body } = await token(server.url, redemption)
  const call = async () => {
    const verdict = await server.runtime.door.judge(bearerToken(`Bearer ${body.access_token}`))
    return 'identity' in verdict ? 'served' : 'refused'
  }
  return { call, client_id }
}

describe('the console in Chromium', () => {
  it(
    'C01 T08 somebody ends a connection while its client uses it, whose next call is refused',
    async () => {
      const { call } = await client('carol@globex.example')
      expect(await call()).toBe('served')
      const { page, done } = await visitor('carol@globex.example')
      await page.getByRole('button', { name: 'End the connection of Test client' }).click()
      expect(await page.locator('[role=status]').innerText()).toContain('The connection has ended.')
      await expectSoon<string>(call, 'refused')
      await done()
    },
    patience,
  )

  it(
    'C01 T08 R09 an admin approves an app that waits, whose next attempt succeeds, and ends what its user has',
    async () => {
      const { client_id } = await register(server.url, { client_name: 'New to acme' })
      const attempt = async () => {
        const request = authorizationRequest(server.url, client_id)
        const agent = openBrowser()
        return { agent, request, page: await signInClient(agent, request.url, 'bob@acme.example') }
      }
      expect((await attempt()).page.says).toContain('An administrator has to approve')
      const { page, done } = await visitor('alice@acme.example')
      await page.getByRole('link', { name: 'AI apps' }).click()
      await page.getByRole('button', { name: 'Approve New to acme' }).click()
      expect(await page.locator('[role=status]').innerText()).toContain('Approved.')
      const { agent, request, page: consent } = await attempt()
      const answer = await approve(agent, consent)
      const { body } = await token(server.url, {
        grant_type: 'authorization_code',
        client_id,
        code: answer.get('code') ?? '',
        redirect_uri: request.url.searchParams.get('redirect_uri') ?? '',
        code_verifier: request.code_verifier,
      })
      const judge = async () => {
        const verdict = await server.runtime.door.judge(bearerToken(`Bearer ${body.access_token}`))
        return 'identity' in verdict ? 'served' : 'refused'
      }
      expect(await judge()).toBe('served')

      await page.getByRole('link', { name: 'Members' }).click()
      await page.getByRole('link', { name: 'bob@acme.example' }).click()
      await page.getByRole('link', { name: 'End all…' }).click()
      await page.getByRole('button', { name: 'End all of them' }).click()
      expect(await page.locator('[role=status]').innerText()).toContain(
        'signed out in every browser',
      )
      await expectSoon<string>(judge, 'refused')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${server.url}/console/signed-out`)
      await done()
    },
    patience,
  )

  it(
    'C03 is used with the keyboard alone',
    async () => {
      const { page, done } = await visitor('carol@globex.example')
      await page.keyboard.press('Tab')
      expect(await page.locator(':focus').innerText()).toBe('Skip to the content')
      await page.keyboard.press('Enter')
      await tabTo(page, '.connection button')
      await page.keyboard.press('Enter')
      expect(await page.locator('[role=status]').innerText()).toContain('has ended')
      await done()
    },
    patience,
  )
})

describe('every page of the console', () => {
  let context: BrowserContext
  let tabs: readonly (readonly [look: string, page: Page])[]
  let complaints: readonly string[]
  beforeAll(async () => {
    await seedMore()
    context = await browser.newContext({ reducedMotion: 'reduce' })
    // Beside the page's own scripts, of which its policy allows none.
    await context.addInitScript({ content: axe.source })
    complaints = observe(context).complaints
    tabs = await Promise.all(
      Object.entries(looks).map(async ([look, { colorScheme, viewport }]) => {
        const page = await context.newPage()
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme })
        return [look, page] as const
      }),
    )
  }, patience)
  afterAll(() => context.close())

  const alices = () => encodeURIComponent(server.userId('dev-alice'))
  const pages: Readonly<Record<string, () => string>> = {
    'sign-in': () => '/console',
    connections: () => '/console',
    'revoke-all': () => '/console/revoke-all',
    members: () => '/console/orgs/acme/members?email=nobody@acme.example',
    member: () => `/console/orgs/acme/members/${alices()}`,
    clients: () => '/console/orgs/acme/clients',
    client: () => '/console/orgs/acme/client?id=dcr_shared',
    block: () => '/console/orgs/acme/client?id=dcr_shared&ask=block',
    limits: () => '/console/orgs/acme/limits',
    audit: () => '/console/audit',
    missing: () => '/console/orgs/nowhere/members',
    'signed-out': () => '/console/signed-out',
  }

  it.each(Object.keys(pages))(
    'C03 %s is accessible, in light, in dark and on a phone, and fits there',
    async name => {
      if (name === 'connections') {
        const page = await context.newPage()
        await page.goto(`${server.url}/console`)
        await page.locator('button[name=provider]').click()
        await enter(page, 'alice@acme.example')
        await page.waitForURL(`${server.url}/console`)
        await page.close()
      }
      const seen = await Promise.all(
        tabs.map(async ([look, page]) => {
          await page.goto(server.url + (pages[name]?.() ?? ''))
          const found = await page.evaluate<
            readonly string[]
          >(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
            violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`)
          const width = await page.evaluate<number>('document.documentElement.scrollWidth')
          const path = join(screenshots, `console-${name}-${look}.png`)
          await page.screenshot({ path, fullPage: true })
          return { look, found, fits: width === page.viewportSize()?.width }
        }),
      )
      expect(seen).toEqual(Object.keys(looks).map(look => ({ look, found: [], fits: true })))
      expect(complaints).toEqual([])
    },
    patience,
  )

  it('C03 finds the gateway’s stylesheet by its plain name', async () => {
    const answer = await fetch(`${server.url}/assets/site.css`)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    const [css] = [...assets.values()].filter(({ content_type }) =>
      content_type.startsWith('text/css'),
    )
    expect(await answer.text()).toBe(css?.body.toString())
  })
})

/** What the tests above have used up. */
async function seedMore(): Promise<void> {
  await server.db.deleteFrom('connections').execute()
  await server.db.deleteFrom('oidc_records').where('model', '=', 'Grant').execute()
  await server.db.deleteFrom('approvals').execute()
  await seedWorld(server.store, sub => server.userId(sub))
}

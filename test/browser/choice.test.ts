import { afterAll, describe, expect, it } from '@jest/globals'
import { decideOrgClient } from '../../storage/decide-org-client.ts'
import { openAuthorizationServer } from '../support/authorization-server.ts'
import { type ImitatedIdp, openImitatedIdp } from '../support/imitated-idp.ts'
import { web_host } from './client-servers.ts'
import { inChromium, patience } from './in-chromium.ts'
import { tabTo } from './keyboard.ts'
import { arrive, decide, heading, words } from './person.ts'

/** Its sign-in asks nobody anything: everybody is alice, of the org that its claims name. */
let idp: ImitatedIdp
const at = inChromium(async () => {
  idp = await openImitatedIdp('generic')
  const record = (id: string, email_domains: readonly string[] = []) => ({
    ...{ id, name: `Sign-in of ${id}`, issuer: idp.issuer, orgs: [id], email_domains },
    ...{ client_id: 'gateway', client_secret: 'secret' },
  })
  return openAuthorizationServer({
    identity_providers: [record('acme', ['acme.example']), record('globex', ['globex.example'])],
    org_policies: [{ org: 'globex', unknown_clients: 'ask' }],
  })
})
afterAll(() => idp.close())

const choose = (provider: string) => at.page.locator(`button[value=${provider}]`).click()
const email = () => at.page.locator('input[name=email]')

describe('in Chromium, with several sign-ins', () => {
  it(
    'A03 an address leads to the sign-in of its domain',
    async () => {
      const asked = await at.ask()
      await at.page.goto(asked.url.href)
      expect(await at.page.locator('button[name=provider]').count()).toBe(2)
      await email().fill('alice@acme.example')
      await email().press('Enter')
      await decide(at.page, 'approve')
      await arrive(at.page)
      expect(idp.asked?.get('login_hint')).toBe('alice@acme.example')
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A03 an address that leads nowhere is kept, and the page says what is wrong with it',
    async () => {
      await at.page.goto((await at.ask()).url.href)
      await email().fill('alice@nowhere.example')
      await email().press('Enter')
      await at.page.getByRole('alert').waitFor()
      expect(await at.page.getByRole('alert').innerText()).toContain('No sign-in is set up')
      expect(await email().inputValue()).toBe('alice@nowhere.example')
      expect(await at.page.locator('input[name=email]:focus').count()).toBe(1)
      await choose('acme')
      expect(await heading(at.page)).toContain('Allow')
    },
    patience,
  )

  it(
    'A03 a hint puts one first, and the others behind one more click',
    async () => {
      await at.page.goto((await at.ask(undefined, { idp: 'globex' })).url.href)
      expect(await at.page.locator('button[value=globex]').isVisible()).toBe(true)
      expect(await at.page.locator('button[value=acme]').isVisible()).toBe(false)
      await at.page.locator('summary').click()
      await choose('acme')
      expect(await heading(at.page)).toContain('Allow')
    },
    patience,
  )

  it(
    'A10 a keyboard is enough, and always shows where it is',
    async () => {
      const asked = await at.ask(`https://${web_host}/callback/keyboard`, { idp: 'globex' })
      await at.page.goto(asked.url.href)
      await tabTo(at.page, 'summary')
      await at.page.keyboard.press('Enter')
      await tabTo(at.page, 'button[value=acme]')
      await at.page.keyboard.press('Enter')
      await at.page.waitForURL('**/connect/*?sign_in=*')
      await tabTo(at.page, 'input[name=remember]')
      await at.page.keyboard.press('Space')
      await tabTo(at.page, 'button[value=approve]')
      await at.page.keyboard.press('Enter')
      await arrive(at.page)
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A10 nothing needs JavaScript',
    async () => {
      await at.withoutJavaScript()
      const asked = await at.ask()
      await at.page.goto(asked.url.href)
      await choose('acme')
      await decide(at.page, 'approve')
      await arrive(at.page)
      await at.redeem(asked)
    },
    patience,
  )
})

describe('in Chromium, the second time', () => {
  it(
    'A08 a remembered approval counts for a request that the person began, and for no other site',
    async () => {
      const first = await at.ask(`https://${web_host}/callback/remembered`)
      await at.page.goto(first.url.href)
      await choose('acme')
      await at.page.getByLabel('Do not ask me again').check()
      await decide(at.page, 'approve')
      await arrive(at.page)

      const second = at.askAgain(first)
      await at.page.goto(second.url.href)
      await choose('acme')
      await arrive(at.page)
      expect((await at.redeem(second))['sid']).not.toBe((await at.redeem(first))['sid'])

      const third = at.askAgain(first)
      // The page of the client is open, and goes there by itself.
      await at.page.evaluate(`location.href = ${JSON.stringify(third.url.href)}`)
      await choose('acme')
      expect(await heading(at.page)).toContain('Allow')
      expect(at.answerTo(third)).toBeUndefined()
    },
    patience,
  )

  it(
    'R09 an application that waits for an administrator connects once it is approved',
    async () => {
      idp.claims = { org_id: 'globex' }
      const asked = await at.ask(`https://${web_host}/callback/new`)
      await at.page.goto(asked.url.href)
      await choose('globex')
      expect(await heading(at.page)).toContain('An administrator has to approve')
      await at.page.getByRole('button', { name: 'Back to the app' }).click()
      await arrive(at.page)
      expect(at.answerTo(asked)?.get('error')).toBe('access_denied')
      expect(at.answerTo(asked)?.get('error_description')).toContain('administrator')

      const store = { db: at.server.db, ring: at.server.settings.storage_keys }
      const client = { org_id: 'globex', client_id: asked.client_id }
      await decideOrgClient(store, client, { status: 'approved', decided_by: 'operator' })

      const again = at.askAgain(asked)
      await at.page.goto(again.url.href)
      await choose('globex')
      expect(await words(at.page)).toContain('globex')
      await decide(at.page, 'approve')
      await arrive(at.page)
      expect(await at.redeem(again)).toMatchObject({ org_id: 'globex' })
    },
    patience,
  )
})

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Form } from '../../../../gateway/local/demo/forms.ts'
import { providerForm } from '../../../../gateway/local/demo/person.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  openAuthorizationServer,
  openBrowser,
  register,
} from '../../../support/authorization-server.ts'
import { type ImitatedIdp, openImitatedIdp } from '../../../support/imitated-idp.ts'

let server: AuthorizationServer
let idp: ImitatedIdp
beforeAll(async () => {
  idp = await openImitatedIdp('generic')
  const record = (id: string, email_domains: readonly string[]) => ({
    ...{ id, name: `Sign-in ${id}`, issuer: idp.issuer, orgs: ['acme'], email_domains },
    ...{ client_id: 'gateway', client_secret: 'secret' },
  })
  server = await openAuthorizationServer({
    identity_providers: [
      record('acme', ['acme.example']),
      record('globex', ['globex.example']),
      record('open', []),
    ],
  })
})
afterAll(async () => {
  await server.close()
  await idp.close()
})

async function open(parameters: Readonly<Record<string, string>> = {}) {
  const { client_id } = await register(server.url)
  const browser = openBrowser()
  const page = await browser.open(authorizationRequest(server.url, client_id, parameters).url)
  return { browser, page }
}

const offered = (form: Form | undefined) => form?.buttons.map(({ value }) => value)
const emailForm = ({ forms }: { readonly forms: readonly Form[] }) =>
  forms.find(({ fields }) => fields.some(({ name }) => name === 'email'))

describe('A03 the choice of a sign-in', () => {
  it('is offered with a button each and a field for an address', async () => {
    const { page } = await open()
    expect(offered(providerForm(page))).toEqual(['acme', 'globex', 'open'])
    expect(page.html).toContain('Test client')
    expect(emailForm(page)).toBeDefined()
    expect(page.html).not.toMatch(/<details|<script|<img[^>]+https?:/)
  })

  it.each([
    ['its id', { idp: 'globex' }],
    ['the domain of the login_hint', { login_hint: 'carol@globex.example' }],
  ])(
    'a hint by %s: the client is named all the same, the others are one click away',
    async (_name, hint) => {
      const asked_before = idp.asked
      const { browser, page } = await open(hint)
      expect(page.url.pathname).toMatch(/^\/connect\//)
      expect(idp.asked).toBe(asked_before)
      expect(page.html).toContain('Test client')
      expect(offered(providerForm(page))).toEqual(['globex', 'acme', 'open'])
      expect(page.html.indexOf('<details')).toBeGreaterThan(page.html.indexOf('value="globex"'))
      expect(page.html.indexOf('<details')).toBeLessThan(page.html.indexOf('value="acme"'))
      const form = providerForm(page)
      if (!form) throw new Error('no form')
      const press = { name: 'provider', value: 'open' }
      const consent = await browser.submit(page, form, { press })
      expect(consent.html).toContain('alice@acme.example')
    },
  )

  it.each([{ idp: 'unknown' }, { idp: '__proto__' }, { login_hint: 'x@nowhere.example' }])(
    'an unknown hint is ignored: %j',
    async hint => {
      const { page } = await open(hint)
      expect([page.status, offered(providerForm(page))]).toEqual([200, ['acme', 'globex', 'open']])
      expect(page.html).not.toContain('<details')
    },
  )

  it('an address leads to the provider of its domain, which is told the address', async () => {
    const { browser, page } = await open()
    const form = emailForm(page)
    if (!form) throw new Error('no form')
    const consent = await browser.submit(page, form, {
      fields: { email: ' carol@Globex.example ' },
    })
    expect(consent.hops.map(({ url }) => new URL(url).pathname)).toContain('/callback/globex')
    expect(idp.asked?.get('login_hint')).toBe('carol@Globex.example')
  })

  it('an address of another domain gets the page again, whoever it is', async () => {
    const says: string[] = []
    for (const email of ['alice@nowhere.example', 'nobody@nowhere.example', '"><script>', '']) {
      const { browser, page } = await open()
      const form = emailForm(page)
      if (!form) throw new Error('no form')
      const again = await browser.submit(page, form, { fields: { email } })
      expect([again.status, again.url.origin]).toEqual([400, server.url])
      expect(offered(providerForm(again))).toEqual(['acme', 'globex', 'open'])
      expect(again.html).not.toContain('<script>')
      says.push(again.says)
    }
    expect(new Set(says).size).toBe(1)
    expect(says[0]).toContain('No sign-in is set up for the domain')
  })

  it('an address counts only with the token of its page', async () => {
    const { browser, page } = await open()
    const form = emailForm(page)
    if (!form) throw new Error('no form')
    const fields = { email: 'carol@globex.example', csrf: 'forged' }
    expect((await browser.submit(page, form, { fields })).status).toBe(403)
  })
})

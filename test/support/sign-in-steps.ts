import type { Browser, Page } from '../../gateway/local/demo/browser.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  formOf,
  openBrowser,
  register,
} from './authorization-server.ts'

/** The steps of a sign-in at one authorization server, and what they leave in its database. */
export function signInSteps(at: () => AuthorizationServer) {
  const last = (type: string) =>
    at()
      .db.selectFrom('audit_events')
      .selectAll()
      .where('type', '=', type)
      .orderBy('id', 'desc')
      .executeTakeFirst()
  const connections = async () =>
    Number(
      (
        await at()
          .db.selectFrom('connections')
          .select(({ fn }) => fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    )

  async function begin(parameters: Readonly<Record<string, string>> = {}) {
    const { client_id } = await register(at().url)
    const browser = openBrowser()
    const request = authorizationRequest(at().url, client_id, parameters)
    return { client_id, browser, request }
  }

  /** Signs in at the company in `browser`, but stops before the way back. */
  async function untilCallback(browser: Browser, connect: Page): Promise<URL> {
    const company = await browser.submit(connect, formOf(connect), {
      press: { name: 'provider', value: 'dev' },
    })
    const back = await browser.submit(company, formOf(company), {
      fields: { username: 'alice@acme.example', password: 'password' },
    })
    const hop = back.hops.find(({ url }) => url.startsWith(`${at().url}/callback/`))
    if (!hop) throw new Error(`no way back: ${back.says}`)
    return new URL(hop.url)
  }

  /** As untilCallback, with the callback not yet asked for. */
  async function untilCallbackUnused(browser: Browser, connect: Page): Promise<URL> {
    const company = await browser.submit(connect, formOf(connect), {
      press: { name: 'provider', value: 'dev' },
    })
    const form = formOf(company)
    let back: URL | undefined
    const cookie = (url: URL) => browser.cookies.header(url, { same_site: true, safe: true }) ?? ''
    let url = new URL(form.action, company.url)
    let init: RequestInit = {
      method: 'POST',
      body: new URLSearchParams({
        ...Object.fromEntries(form.fields.map(({ name, value }) => [name, value])),
        username: 'alice@acme.example',
        password: 'password',
      }),
    }
    for (let hops = 0; hops < 10 && !back; hops += 1) {
      const response = await fetch(url, {
        ...init,
        redirect: 'manual',
        headers: { cookie: cookie(url) },
      })
      browser.cookies.store(url, response.headers.getSetCookie(), { same_site: true, safe: true })
      url = new URL(response.headers.get('location') ?? '', url)
      init = {}
      if (url.pathname.startsWith('/callback/')) back = url
    }
    if (!back) throw new Error('no way back')
    return back
  }

  return { last, connections, begin, untilCallback, untilCallbackUnused }
}

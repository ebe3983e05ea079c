import { randomBytes } from 'node:crypto'
import type { Browser, Page } from '../../gateway/local/demo/browser.ts'
import {
  authorizationRequest,
  callback,
  formOf,
  openBrowser,
  register,
} from './authorization-server.ts'
import { WrongPageError } from '../../gateway/local/demo/person.ts'

/** A request of one client by one person. */
export interface Asked {
  readonly url: string
  readonly client_id: string
  readonly user?: string
  readonly parameters?: Readonly<Record<string, string | undefined>>
  /** In place of what a browser sends when an address is typed or a program opens it. */
  readonly fetch_site?: string | undefined
  readonly idp?: string
}

/**
 * From the client's request to what comes after the sign-in: the consent page, or the way back to the
 * client. The browser is new, so nothing but the server can remember anything.
 */
export async function ask(asked: Asked): Promise<{ browser: Browser; page: Page }> {
  const { url, client_id, user = 'alice@acme.example', parameters, idp = 'dev' } = asked
  const browser = 'fetch_site' in asked ? browserOfSite(asked.fetch_site) : openBrowser()
  const connect = await browser.open(authorizationRequest(url, client_id, parameters).url)
  const company = await browser.submit(connect, formOf(connect), {
    press: { name: 'provider', value: idp },
  })
  const page = await browser.submit(company, formOf(company), {
    fields: { username: user, password: 'password' },
  })
  return { browser, page }
}

/** Allows what the page asks for; `remember` ticks the box. */
export async function allow(
  { browser, page }: { readonly browser: Browser; readonly page: Page },
  fields: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const done = await browser.submit(page, formOf(page), {
    press: { name: 'decision', value: 'approve' },
    fields,
  })
  if (!done.intercepted) throw new WrongPageError('the way back to the client', done)
  return done
}

export const remember = { remember: 'yes' }

/** A client of its own, unlike every other. */
export async function newClient(url: string, metadata: object = {}): Promise<string> {
  const client_name = `Client ${randomBytes(6).toString('hex')}`
  return (await register(url, { client_name, redirect_uris: [callback], ...metadata })).client_id
}

/** A browser that says at `/authorize` that the request came from there, or nothing. */
function browserOfSite(fetch_site: string | undefined): Browser {
  return openBrowser((url, init) => {
    const headers = new Headers(init.headers)
    if (new URL(url).pathname === '/authorize') {
      headers.delete('sec-fetch-site')
      if (fetch_site !== undefined) headers.set('sec-fetch-site', fetch_site)
    }
    return fetch(url, { ...init, headers })
  })
}

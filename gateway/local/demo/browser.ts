import { createCookieJar, type CookieJar } from './cookie-jar.ts'
import { type Entry, fillIn, type Form, readForms } from './forms.ts'
import { readTags, type Tag, textOf } from './markup.ts'
import { fetchSite, isSameSite } from './sites.ts'

export interface BrowserOptions {
  /** URLs that end a navigation without being asked for: a client's redirect URI, say. */
  readonly intercept?: (url: URL) => boolean
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Milliseconds. */
  readonly now?: () => number
}

export interface Hop {
  readonly method: string
  readonly url: string
  readonly status: number
  readonly request_headers: Readonly<Record<string, string>>
}

/** Where a navigation ended. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly html: string
  readonly title: string | undefined
  readonly forms: readonly Form[]
  /** Whether it ended at a URL that is not asked for; then `html` is empty and `status` the redirect's. */
  readonly intercepted: boolean
  /** Every request on the way. */
  readonly hops: readonly Hop[]
  /** What a person would read first: an alert, else the heading and what follows, else the title. */
  readonly says: string
}

/** A browser tab without JavaScript: cookies, redirects, forms and the headers servers look at. */
export interface Browser {
  readonly cookies: CookieJar
  /** Types an address, or opens it from another program: nobody initiated it. */
  open(url: string | URL): Promise<Page>
  /** Follows a link on a page. */
  follow(page: Page, href: string): Promise<Page>
  /** Fills in a form of a page and sends it. Throws when the form does not allow the entry. */
  submit(page: Page, form: Form, entry?: Entry): Promise<Page>
}

interface Navigation {
  readonly method: 'GET' | 'POST'
  readonly body?: string
  readonly from?: Page
}

const most_redirects = 20

export function createBrowser(options: BrowserOptions = {}): Browser {
  const { intercept = () => false, fetch = globalThis.fetch, now = Date.now } = options
  const cookies = createCookieJar(now)

  async function navigate(target: URL, navigation: Navigation): Promise<Page> {
    const { from } = navigation
    let { method, body } = { body: undefined, ...navigation }
    let url = target
    const chain: URL[] = []
    const hops: Hop[] = []
    let last: Response | undefined
    for (;;) {
      const foreign = url.protocol !== 'http:' && url.protocol !== 'https:'
      if (foreign || intercept(url)) return pageOf(url, last, '', hops, true)
      if (hops.length > most_redirects)
        throw new Error(`more than ${most_redirects} redirects, last to ${url.href}`)
      chain.push(url)
      const same_site = from === undefined || isSameSite(from.url, url)
      const context = { same_site, safe: method === 'GET' }
      const request_headers = headersOf(url, {
        method,
        chain,
        from,
        cookie: cookies.header(url, context),
      })
      const response = await fetch(url.href, {
        method,
        headers: request_headers,
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      })
      last = response
      hops.push({ method, url: url.href, status: response.status, request_headers })
      cookies.store(url, response.headers.getSetCookie(), { same_site, safe: true })
      const location = response.headers.get('location')
      if (location === null || ![301, 302, 303, 307, 308].includes(response.status))
        return pageOf(url, response, await response.text(), hops, false)
      await response.body?.cancel()
      url = withFragment(new URL(location, url), url)
      if (response.status === 303 || (response.status < 303 && method === 'POST')) {
        method = 'GET'
        body = undefined
      }
    }
  }

  return {
    cookies,
    open: url => navigate(new URL(url), { method: 'GET' }),
    follow: (page, href) => navigate(new URL(href, page.url), { method: 'GET', from: page }),
    submit(page, form, entry = {}) {
      const { action, entries } = fillIn(form, entry)
      const target = new URL(action, page.url)
      target.hash = ''
      if (form.method === 'post')
        return navigate(target, { method: 'POST', body: entries.toString(), from: page })
      target.search = entries.toString()
      return navigate(target, { method: 'GET', from: page })
    },
  }
}

interface Asked {
  readonly method: string
  readonly chain: readonly URL[]
  readonly from: Page | undefined
  readonly cookie: string | undefined
}

function headersOf(url: URL, { method, chain, from, cookie }: Asked): Record<string, string> {
  const origin = from?.url.origin
  const policy = from?.headers.get('referrer-policy') ?? 'strict-origin-when-cross-origin'
  const referer = from && refererOf(from.url, url, policy)
  // A page that hides its address hides its origin too, even from itself (Fetch, "append Origin").
  const hidden =
    policy === 'no-referrer' ||
    (policy === 'same-origin' && origin !== url.origin) ||
    chain.some((hop, index) => index > 0 && hop.origin !== chain[index - 1]?.origin)
  return {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-language': 'en',
    'user-agent': 'mcp-oidc-gateway-demo',
    'upgrade-insecure-requests': '1',
    'sec-fetch-dest': 'document',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-site': fetchSite(origin, chain),
    'sec-fetch-user': '?1',
    ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    ...(method === 'POST' && origin ? { origin: hidden ? 'null' : origin } : {}),
    ...(referer === undefined ? {} : { referer }),
    ...(cookie === undefined ? {} : { cookie }),
  }
}

function refererOf(from: URL, to: URL, policy: string): string | undefined {
  const same = from.origin === to.origin
  if (policy === 'no-referrer' || (policy === 'same-origin' && !same)) return undefined
  if (from.protocol === 'https:' && to.protocol === 'http:') return undefined
  if (!same || policy === 'origin' || policy === 'strict-origin') return `${from.origin}/`
  return `${from.origin}${from.pathname}${from.search}`
}

function withFragment(url: URL, previous: URL): URL {
  if (!url.hash) url.hash = previous.hash
  return url
}

/** The heading and the first paragraph after it. */
function headingOf(tags: readonly Tag[]): string | undefined {
  const heading = textOf(tags, tag => tag.name === 'h1')
  const rest = tags.slice(tags.findIndex(tag => tag.name === '/h1') + 1)
  const paragraph = heading && textOf(rest, tag => tag.name === 'p')
  return paragraph ? `${heading}. ${paragraph}` : heading
}

function pageOf(
  url: URL,
  response: Response | undefined,
  html: string,
  hops: readonly Hop[],
  intercepted: boolean,
): Page {
  const headers = response?.headers ?? new Headers()
  const tags = /html/.test(headers.get('content-type') ?? '') ? readTags(html) : []
  const title = textOf(tags, tag => tag.name === 'title')
  const alert = textOf(tags, tag => tag.attributes['role'] === 'alert')
  const says = alert ?? headingOf(tags) ?? title ?? html.slice(0, 300)
  const status = response?.status ?? 0
  return { url, status, headers, html, title, forms: readForms(tags), intercepted, hops, says }
}

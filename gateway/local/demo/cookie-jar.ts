export interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  /** Whether hosts below `host` get it too (a Domain attribute was given). */
  readonly subdomains: boolean
  readonly path: string
  readonly secure: boolean
  readonly http_only: boolean
  readonly same_site: 'strict' | 'lax' | 'none'
  /** Milliseconds; Infinity for a session cookie. */
  readonly expires_at: number
  readonly created: number
}

/** How a request came about, as far as SameSite asks. */
export interface CookieContext {
  readonly same_site: boolean
  /** A top-level navigation with a safe method, which Lax lets through. */
  readonly safe: boolean
}

export interface CookieJar {
  /** Takes the `Set-Cookie` headers of a response; what a browser would refuse is left out. */
  store(url: URL, set_cookie: readonly string[], context: CookieContext): void
  /** The `Cookie` header for a request, or undefined when there is nothing to send. */
  header(url: URL, context: CookieContext): string | undefined
  /** Everything that has not expired. */
  all(): readonly Cookie[]
  clear(): void
}

/**
 * A browser's cookies (RFC 6265bis). Ports do not tell cookies apart, so two servers on one host
 * see each other's. Loopback counts as secure over http, as in Chromium and Firefox.
 */
export function createCookieJar(now: () => number): CookieJar {
  let cookies: Cookie[] = []
  let created = 0
  const alive = () => (cookies = cookies.filter(cookie => cookie.expires_at > now()))

  return {
    store(url, set_cookie, context) {
      for (const line of set_cookie) {
        const cookie = parse(line, url, now(), created++)
        if (!cookie || (cookie.same_site !== 'none' && !context.same_site && !context.safe))
          continue
        const old = cookies.find(other => sameCookie(other, cookie))
        cookies = cookies.filter(other => other !== old)
        cookies.push(old ? { ...cookie, created: old.created } : cookie)
      }
    },
    header(url, context) {
      const matching = alive()
        .filter(cookie => goesTo(cookie, url) && allowed(cookie, context))
        .sort((a, b) => b.path.length - a.path.length || a.created - b.created)
      if (matching.length === 0) return undefined
      return matching.map(({ name, value }) => (name ? `${name}=${value}` : value)).join('; ')
    },
    all: () => [...alive()],
    clear: () => void (cookies = []),
  }
}

export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  )
}

function parse(line: string, url: URL, now: number, created: number): Cookie | undefined {
  const [pair = '', ...rest] = line.split(';')
  const equals = pair.indexOf('=')
  const name = pair.slice(0, Math.max(equals, 0)).trim()
  const value = pair.slice(equals + 1).trim()
  if ((!name && !value) || name.length + value.length > 4096) return undefined
  const attributes = new Map(
    rest.map(text => {
      const at = text.indexOf('=')
      const key = at < 0 ? text : text.slice(0, at)
      return [key.trim().toLowerCase(), at < 0 ? '' : text.slice(at + 1).trim()] as const
    }),
  )
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase()
  if (domain && !belongs(url.hostname, domain)) return undefined
  const path = attributes.get('path')
  const same_site = attributes.get('samesite')?.toLowerCase()
  const cookie: Cookie = {
    name,
    value,
    host: domain === undefined || domain === '' ? url.hostname : domain,
    subdomains: !!domain,
    path: path?.startsWith('/') ? path : defaultPath(url),
    secure: attributes.has('secure'),
    http_only: attributes.has('httponly'),
    same_site: same_site === 'strict' || same_site === 'none' ? same_site : 'lax',
    expires_at: expiry(attributes, now),
    created,
  }
  return acceptable(cookie, url, path) ? cookie : undefined
}

function acceptable(cookie: Cookie, url: URL, path: string | undefined): boolean {
  const { name, secure, same_site, subdomains } = cookie
  if (secure && !isSecure(url)) return false
  if (same_site === 'none' && !secure) return false
  if (/^__secure-/i.test(name)) return secure
  if (/^__host-/i.test(name)) return secure && !subdomains && path === '/'
  return true
}

function expiry(attributes: ReadonlyMap<string, string>, now: number): number {
  const max_age = attributes.get('max-age')
  if (max_age !== undefined && /^-?\d+$/.test(max_age)) return now + Number(max_age) * 1000
  const expires = Date.parse(attributes.get('expires') ?? '')
  return Number.isNaN(expires) ? Infinity : expires
}

function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf('/')) || '/'
}

function sameCookie(a: Cookie, b: Cookie): boolean {
  return (
    a.name === b.name && a.host === b.host && a.subdomains === b.subdomains && a.path === b.path
  )
}

function goesTo({ host, path, secure, subdomains }: Cookie, url: URL): boolean {
  if (subdomains ? !belongs(url.hostname, host) : url.hostname !== host) return false
  if (secure && !isSecure(url)) return false
  return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function allowed({ same_site }: Cookie, context: CookieContext): boolean {
  return context.same_site || same_site === 'none' || (same_site === 'lax' && context.safe)
}

function belongs(hostname: string, domain: string): boolean {
  if (hostname === domain) return true
  // A single label (`example`) is a public suffix; an address has nothing below it.
  return domain.includes('.') && hostname.endsWith(`.${domain}`) && !/^[\d.]+$/.test(domain)
}

function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url.hostname)
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { KeyRing, SecretKey } from '../../../storage/key-ring.ts'

/**
 * The browser a flow belongs to, known by a random cookie of our own: oidc-provider's are scoped
 * to paths that the identity provider's callback does not see. One cookie serves every tab.
 */
export interface Browser {
  readonly id: string
  /** Set when the browser did not have one yet. */
  readonly set_cookie: string | undefined
}

const id_form = /^[A-Za-z0-9_-]{43}$/

/** `__Host-` keeps a sibling domain from planting one; it needs https (RFC 6265bis 4.1.3). */
export function browserCookieName(secure: boolean): string {
  return secure ? '__Host-mcp_browser' : 'mcp_browser'
}

/** The browser of a request, given its Cookie header; a new one when there is none to be read. */
export function browserOf(cookie: string | undefined, secure: boolean): Browser {
  const known = knownBrowser(cookie, secure)
  if (known !== undefined) return { id: known, set_cookie: undefined }
  const id = randomBytes(32).toString('base64url')
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return { id, set_cookie: `${browserCookieName(secure)}=${id}; ${attributes}` }
}

export function knownBrowser(cookie: string | undefined, secure: boolean): string | undefined {
  const prefix = `${browserCookieName(secure)}=`
  const ids = (cookie ?? '')
    .split(/;\s*/)
    .filter(pair => pair.startsWith(prefix))
    .map(pair => pair.slice(prefix.length))
  // Two of them means somebody planted one: neither is believed.
  return ids.length === 1 && ids[0] !== undefined && id_form.test(ids[0]) ? ids[0] : undefined
}

/** A token only this browser's pages for this transaction can hold. */
export function csrfToken(ring: KeyRing, browser: string, transaction: string): string {
  return mac(ring[0], browser, transaction)
}

export function csrfHolds(
  ring: KeyRing,
  browser: string,
  transaction: string,
  given: unknown,
): boolean {
  if (typeof given !== 'string') return false
  return ring.some(key => sameText(given, mac(key, browser, transaction)))
}

export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function mac({ key }: SecretKey, browser: string, transaction: string): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['csrf', browser, transaction]))
    .digest('base64url')
}

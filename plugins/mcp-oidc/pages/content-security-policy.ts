/** A scheme (`cursor:`) or a host with an optional port (`https://a.example:8443`, `http://127.0.0.1:*`): the CSP3 grammar without its wildcards for hosts. */
const source = /^[a-z][a-z0-9+.-]*:(?:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?(?::(?:\d{1,5}|\*))?)?$/

const loopback_hosts = ['localhost', '127.0.0.1']

/** Schemes a browser runs or reads itself: never a place to send a code to. */
const browser_schemes = [
  'about:',
  'blob:',
  'data:',
  'file:',
  'filesystem:',
  'javascript:',
  'vbscript:',
  'view-source:',
]

/**
 * The policy of every page: nothing but our stylesheet and images, no scripts, no frames around us.
 *
 * `form_action` lists where a form's POST may end besides this origin. Chromium applies the list
 * to *every* redirect that follows the POST, also to those that other servers send: an identity
 * provider that passes its users on to a federated one, or a client's callback that redirects to
 * its own front page, is blocked unless `https:` is in the list. A connect page whose sign-in may
 * end without another page needs the client's source too.
 *
 * Throws TypeError for a source that is not a scheme or an origin: it could add a directive.
 */
export function content_security_policy(form_action: readonly string[]): string {
  for (const item of form_action) {
    if (!source.test(item)) throw new TypeError(`not a source for form-action: ${item}`)
  }
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["form-action 'self'", ...new Set(form_action)].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/**
 * The form-action source that lets a redirect reach this URI (CSP3 2.3.1), for Chromium's reading.
 *
 * - http on loopback: the host with any port (RFC 8252 7.3); without a port only 80 would match.
 * - https and other http: the origin.
 * - Any other scheme: the scheme, since a host means nothing there.
 * - A host that the grammar cannot hold (IPv6 in brackets, `_`, `;`): its scheme. Chromium ignores
 *   such a source, and a `;` would begin a directive.
 *
 * Throws TypeError for what is not an absolute URI and for schemes of the browser itself.
 */
export function formActionSource(redirect_uri: string): string {
  const uri = URL.parse(redirect_uri)
  if (!uri) throw new TypeError('not an absolute URI')
  const { protocol, hostname, host } = uri
  if (browser_schemes.includes(protocol)) throw new TypeError(`no redirect may go to ${protocol}`)
  if (protocol !== 'https:' && protocol !== 'http:') return protocol
  const anyPort = protocol === 'http:' && loopback_hosts.includes(hostname)
  const origin = `${protocol}//${anyPort ? `${hostname}:*` : host}`
  return source.test(origin) ? origin : protocol
}

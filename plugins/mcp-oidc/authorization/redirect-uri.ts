import { isLoopback } from '../config/url-rules.ts'

/** Schemes that run or embed what they carry, or that leave the redirect to chance. */
const never: ReadonlySet<string> = new Set([
  'javascript',
  'data',
  'file',
  'blob',
  'vbscript',
  'about',
  'filesystem',
  'view-source',
  'ws',
  'wss',
  'ftp',
  'mailto',
  'tel',
  'sms',
  'intent',
  'chrome',
  'resource',
  'jar',
])

const longest = 2048

/** What the authorization response adds to the redirect URI (RFC 6749 4.1.2, RFC 9207 2). */
const response_parameters = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri']

export interface RedirectPolicy {
  /** The gateway's own origin: a redirect to it would hand codes to our own pages. */
  readonly issuer: string
  /** Private-use schemes without a dot that are allowed all the same. */
  readonly private_use_schemes: readonly string[]
  /** One of our own pages asks, and may be answered at our own origin. */
  readonly first_party?: boolean
}

/**
 * The one redirect policy, for registration and authorization alike: https anywhere, http on
 * loopback, private-use schemes (RFC 8252 7.1) with a dot or from the configured list. Gives what
 * is wrong with a URI, or `undefined`. A URI must be written the way a browser would write it, so
 * that what was compared is what is followed.
 */
export function redirectUriProblem(uri: string, policy: RedirectPolicy): string | undefined {
  if (uri.length > longest) return `is longer than ${longest} characters`
  if (!/^[\x21-\x7E]+$/.test(uri)) return 'holds spaces, control or non-ASCII characters'
  if (/[\\*"<>^`{|}]/.test(uri))
    return 'holds a wildcard or another character that does not belong in a URI'
  if (uri.includes('#')) return 'has a fragment'
  const url = URL.parse(uri)
  if (!url) return 'is not an absolute URI'
  if (url.username !== '' || url.password !== '' || /^[^/?]*\/\/[^/?]*@/.test(uri))
    return 'holds user information'
  if (url.href !== uri && url.href !== `${uri}/`)
    return `is not in its canonical form (write ${url.href})`
  if (/%2e|%2f|%5c/i.test(url.host + url.pathname))
    return 'hides a dot, slash or backslash behind an escape'
  if (/%(?![0-9a-f]{2})/i.test(uri)) return 'holds a % that escapes nothing'
  if (/%[01][0-9a-f]|%7f/i.test(uri)) return 'hides a control character behind an escape'
  const taken = response_parameters.find(name => url.searchParams.has(name))
  if (taken !== undefined) return `holds the response parameter "${taken}"`
  return schemeProblem(url, policy)
}

function schemeProblem(
  url: URL,
  { issuer, private_use_schemes, first_party = false }: RedirectPolicy,
): string | undefined {
  const scheme = url.protocol.slice(0, -1)
  if (scheme === 'https' || scheme === 'http') {
    if (scheme === 'http' && !isLoopback(url))
      return 'uses http on a host that is not loopback; use https'
    if (url.hostname.endsWith('.')) return 'has a host that ends in a dot'
    return !first_party && isOwn(url, new URL(issuer))
      ? "points at the gateway's own origin"
      : undefined
  }
  if (never.has(scheme)) return `uses the scheme "${scheme}", which is never allowed`
  if (scheme.includes('.') || private_use_schemes.includes(scheme)) return undefined
  return `uses the scheme "${scheme}"; a private-use scheme needs a dot (RFC 8252 7.1) or an entry in private_use_schemes`
}

/** Whether a client that registered these may be answered there, by the policy of today. */
export function redirectUriAllowed(
  requested: string,
  registered: readonly string[],
  policy: RedirectPolicy,
): boolean {
  if (redirectUriProblem(requested, policy) !== undefined) return false
  // A page of ours has one port, and nobody is asked for consent: another port is somebody else.
  return policy.first_party === true
    ? registered.includes(requested)
    : matchesRegistered(requested, registered)
}

/**
 * What is wrong with where an authorization response leads: the policy once more, on the redirect
 * URI as the browser is about to follow it. `undefined` when nothing is.
 */
export function responseLocationProblem(
  location: string,
  policy: RedirectPolicy,
): string | undefined {
  const url = URL.parse(location)
  if (!url) return 'is not an absolute URI'
  for (const name of response_parameters) url.searchParams.delete(name)
  // oidc-provider tells an error there to a request for another response type.
  url.hash = ''
  return redirectUriProblem(url.href, policy)
}

/** Loopback has several names for one place. */
function isOwn(url: URL, own: URL): boolean {
  if (url.origin === own.origin) return true
  return (
    isLoopback(url) && isLoopback(own) && url.protocol === own.protocol && url.port === own.port
  )
}

/** RFC 6749 3.1.2.3, RFC 8252 7.3: equal to the byte, but for the port of http loopback. */
export function matchesRegistered(requested: string, registered: readonly string[]): boolean {
  if (registered.includes(requested)) return true
  const portless = withoutLoopbackPort(requested)
  return portless !== undefined && registered.some(uri => withoutLoopbackPort(uri) === portless)
}

/** An http loopback URI without its port; `undefined` for any other. Works on the text as it stands. */
export function withoutLoopbackPort(uri: string): string | undefined {
  const parts = /^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{1,5})?((?:[/?].*)?)$/.exec(
    uri,
  )
  return parts ? `${parts[1] ?? ''}${parts[2] ?? ''}` : undefined
}

/** Whether the user agent hands the response to a program on the user's own machine. */
export function isNative(uri: string): boolean {
  return !uri.startsWith('https:')
}

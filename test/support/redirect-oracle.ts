/** Who judges the judge: what a browser would do with a redirect URI, by its own idea of a URL. */
export interface Own {
  /** The gateway's origin. */
  readonly issuer: string
  readonly private_use_schemes: readonly string[]
}

const loopback = ['localhost', '127.0.0.1', '[::1]']
const response_parameters = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri']

/** Why nobody may be sent to `uri`, whoever registered it; undefined when a browser goes where it says. */
export function unsafe(uri: string, { issuer, private_use_schemes }: Own): string | undefined {
  // As a browser reads a Location header: relative to the page that sent it.
  const seen = URL.parse(uri, `${issuer}/authorize`)
  if (!seen) return 'a browser cannot read it'
  const own = new URL(issuer)
  if (seen.href !== uri && seen.href !== `${uri}/`) return `a browser makes ${seen.href} of it`
  if (seen.username !== '' || seen.password !== '') return 'it names a user'
  if (seen.hash !== '' || uri.includes('#')) return 'it has a fragment'
  for (const char of uri) {
    const code = char.codePointAt(0) ?? 0
    if (code <= 32 || code > 126 || '\\*<>"^`{|}'.includes(char))
      return `it holds ${JSON.stringify(char)}`
  }
  for (let at = uri.indexOf('%'); at >= 0; at = uri.indexOf('%', at + 1)) {
    const digits = uri.slice(at + 1, at + 3)
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) return 'it holds half an escape'
    const code = Number.parseInt(digits, 16)
    if (code < 32 || code === 127) return 'it hides a control character'
    const in_query = seen.search !== '' && at > uri.indexOf('?')
    if (!in_query && (code === 46 || code === 47 || code === 92)) return 'it hides a dot or slash'
  }
  if (response_parameters.some(name => seen.searchParams.has(name))) return 'it answers by itself'
  const scheme = seen.protocol.slice(0, -1)
  if (scheme === 'https' || scheme === 'http') {
    const stays = loopback.includes(seen.hostname)
    if (scheme === 'http' && !stays) return 'it is sent in the clear'
    if (seen.hostname.endsWith('.')) return 'its host ends in a dot'
    const ours = loopback.includes(own.hostname)
      ? stays && seen.port === own.port && seen.protocol === own.protocol
      : seen.hostname === own.hostname && seen.origin === own.origin
    return ours ? 'it is the gateway itself' : undefined
  }
  return scheme.includes('.') || private_use_schemes.includes(scheme)
    ? undefined
    : `nobody may use ${scheme}`
}

/** Whether a browser takes `requested` to where one of `registered` says, and the bytes are the same but for a loopback port. */
export function sameAsRegistered(requested: string, registered: readonly string[]): boolean {
  return registered.some(uri => {
    const [asked, known] = [URL.parse(requested), URL.parse(uri)]
    if (!asked || !known) return false
    for (const part of ['protocol', 'hostname', 'pathname', 'search', 'hash', 'username'] as const)
      if (asked[part] !== known[part]) return false
    if (requested === uri) return true
    if (known.protocol !== 'http:' || !loopback.includes(known.hostname)) return false
    // What stands before and after the port, letter by letter.
    const before = `http://${known.hostname}`
    const after = (text: string, { port }: URL) =>
      text.startsWith(before)
        ? text.slice(before.length + (port === '' ? 0 : port.length + 1))
        : undefined
    const rest = after(requested, asked)
    return rest !== undefined && rest === after(uri, known)
  })
}

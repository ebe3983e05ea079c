/**
 * Where a redirect URI leads, as far as an approval goes: its origin; on loopback without the port,
 * which a native application chooses anew each time (RFC 8252 7.3); for any other scheme the scheme,
 * since a host means nothing there.
 */
export function redirectTarget(redirect_uri: string): string {
  const { protocol, hostname, origin } = new URL(redirect_uri)
  if (protocol === 'https:') return origin
  return protocol === 'http:' ? `http://${hostname}` : protocol
}

/** What an Authorization header holds, as far as RFC 6750 2.1 is concerned. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'bearer'; readonly token: string }

/** A JWT with a handful of short claims is under 2 kB; nothing legitimate comes near this. */
const longest_token = 8192

/**
 * RFC 6750 2.1: `Bearer` in any case, one space, and what is to be a token. Another scheme counts as
 * no credentials.
 */
export function bearerToken(authorization: string | undefined): Credentials {
  if (authorization === undefined || authorization === '') return { kind: 'none' }
  if (!/^bearer(?: |$)/i.test(authorization)) return { kind: 'none' }
  const token = authorization.slice('bearer '.length)
  return token.length > longest_token ? { kind: 'malformed' } : { kind: 'bearer', token }
}

/** RFC 6750 2.1: b64token. */
export function isBase64Token(token: string): boolean {
  return /^[A-Za-z0-9\-._~+/]+=*$/.test(token)
}

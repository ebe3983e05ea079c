/** The claims of a JWT, unverified. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = jwt.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

/** The connection that an access token belongs to. */
export function connectionOf({ access_token }: { readonly access_token: string }): string {
  return String(claimsOf(access_token).sid)
}

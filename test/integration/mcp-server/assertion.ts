import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export const ISSUER = 'http://gateway.test'
export const AUDIENCE = 'mcp-server'
export const KID = 'gateway-1'

const pair = await generateKeyPair('ES256', { extractable: true })
export const signingKey = pair.privateKey
export const publicJwk = {
  ...(await exportJWK(pair.publicKey)),
  kid: KID,
  alg: 'ES256',
  use: 'sig',
}
export const jwks = { keys: [publicJwk] }
export const localKeys = createLocalJWKSet(jwks)

export const seconds = () => Math.floor(Date.now() / 1000)

/** The claims the gateway would write for bob of acme, changed as a test likes. */
export function claims(changes: JWTPayload = {}): JWTPayload {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'usr_bob',
    org_id: 'acme',
    email: 'bob@acme.example',
    roles: ['analyst'],
    scope: 'openid mcp:tools',
    client_id: 'client-1',
    sid: 'connection-1',
    iat: seconds(),
    exp: seconds() + 60,
    jti: randomUUID(),
    ...changes,
  }
}

/** A signed assertion; `undefined` removes a claim or a header parameter. */
export function sign(
  changes: JWTPayload = {},
  header: Record<string, unknown> = {},
  key: Parameters<SignJWT['sign']>[0] = signingKey,
): Promise<string> {
  const merged = { alg: 'ES256', typ: 'gateway-identity+jwt', kid: KID, ...header }
  return new SignJWT(claims(changes)).setProtectedHeader(merged).sign(key)
}

export const ACME: JWTPayload = {}
export const GLOBEX: JWTPayload = {
  sub: 'usr_erin',
  org_id: 'globex',
  email: 'erin@acme.example',
  roles: ['analyst'],
  sid: 'connection-2',
}

import { randomUUID } from 'node:crypto'
import { importJWK, type JWK, SignJWT } from 'jose'

/** Whose token it is, as the row of the connection has it. */
export interface TokenHolder {
  readonly connection_id: string
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
}

/** Signs access tokens for an hour, each with an id of its own, as if these people had signed in at `issuer`. */
export async function tokenSigner(
  signing_keys: string,
  issuer: string,
): Promise<(holder: TokenHolder) => Promise<string>> {
  const { keys } = JSON.parse(signing_keys) as { readonly keys: readonly JWK[] }
  const [jwk = {}] = keys
  const key = await importJWK(jwk, 'ES256')
  const header = { alg: 'ES256', typ: 'at+jwt', kid: jwk.kid ?? '' }
  return ({ client_id, connection_id, org_id, user_id }) =>
    new SignJWT({ sid: connection_id, org_id, client_id, scope: 'mcp:tools' })
      .setProtectedHeader(header)
      .setIssuer(issuer)
      .setAudience(`${issuer}/mcp`)
      .setSubject(user_id)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key)
}

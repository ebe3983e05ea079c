import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

/** A client's key pair and how it proves that it has it (RFC 7523 2.2). */
export interface ClientKey {
  readonly public_jwk: object
  readonly key: KeyObject
  /** The parameters of a request to `audience`, signed for a minute from now. */
  assert(
    client_id: string,
    audience: string,
    claims?: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, string>>>
}

export function createClientKey(kid = 'c1'): ClientKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    public_jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' },
    key: privateKey,
    async assert(client_id, audience, claims = {}) {
      const now = Math.floor(Date.now() / 1000)
      const named = { iss: client_id, sub: client_id, aud: audience }
      const client_assertion = await new SignJWT({
        ...named,
        ...{ iat: now, exp: now + 60, jti: randomUUID() },
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey)
      return {
        client_assertion,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      }
    },
  }
}

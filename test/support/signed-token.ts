import { importJWK, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import type { OwnStack } from './stack.ts'

/** Signs anything with the gateway's own key: what only a leak of it would allow. */
export async function signWithGatewayKey(
  { keys }: OwnStack,
  payload: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const jwk: JWK | undefined = keys.signing_keys.keys[0]
  if (!jwk?.kid) throw new Error('the stack has no signing key')
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid, ...header })
    .sign(await importJWK(jwk, 'ES256'))
}

/** A compact JWS of these parts; the signature may belong to other ones. */
export function compact(header: object, payload: object, signature = ''): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode(header)}.${encode(payload)}.${signature}`
}

import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A ring of one fresh 256-bit key, as `npm start` makes them. */
export function secretRing(kid = 'k1'): string {
  return JSON.stringify({ keys: [{ kty: 'oct', kid, k: randomBytes(32).toString('base64url') }] })
}

/** A private JWKS of one fresh P-256 key. */
export function signingRing(kid = 's1'): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid }] })
}

/** A configuration as Kong hands it over, members of its own included. */
export function rawConfig(
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    __plugin_id: '00fa155c-74b8-5f93-aa1f-1e3529a34826',
    __seq__: 3,
    $refs: { signing_keys: '{vault://env/signing-keys}' },
    route_id: 'bc5291ac-72ab-5319-87bd-05a401e83d80',
    serve: 'resource',
    issuer: 'https://gw.example',
    resource_name: null,
    database_url: 'postgresql://nobody@127.0.0.1:1/none',
    signing_keys: signingRing(),
    storage_keys: secretRing('storage'),
    cookie_keys: secretRing('cookie'),
    identity_providers: [
      {
        id: 'dev',
        name: 'Company sign-in',
        issuer: 'https://idp.example',
        client_id: 'gateway',
        client_secret: 'secret',
        orgs: ['acme', 'globex'],
        org_claim: 'orgs',
      },
    ],
    ...changes,
  }
}

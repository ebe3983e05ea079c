import { describe, expect, it } from '@jest/globals'
import { compactVerify, exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { inject } from 'light-my-request'
import { Provider } from 'oidc-provider'
import { ProviderSigningKey } from '../../../../../plugins/mcp-oidc/authorization/signing-key.ts'
import {
  parseSigningKeys,
  publicKeys,
  type SigningKey,
  type SigningRing,
} from '../../../../../plugins/mcp-oidc/config/signing-keys.ts'

async function makeRing(...kids: string[]): Promise<SigningRing> {
  const jwks = kids.map(async kid => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    return { ...(await exportJWK(privateKey)), kid }
  })
  return parseSigningKeys(JSON.stringify({ keys: await Promise.all(jwks) }))
}

const issuer = 'http://localhost'

function providerOf(ring: SigningRing): Provider {
  return new Provider(issuer, {
    jwks: { keys: ring.map(key => new ProviderSigningKey(key)) },
    features: {
      devInteractions: { enabled: false },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    },
    cookies: { keys: ['of no use here'] },
    clients: [
      {
        ...{ client_id: 'page', token_endpoint_auth_method: 'none' },
        ...{ redirect_uris: [`${issuer}/cb`], application_type: 'native' },
        id_token_signed_response_alg: 'ES256',
      },
    ],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  })
}

function ask(provider: Provider, url: string) {
  const callback = provider.callback()
  return inject((req, res) => void callback(req, res), url)
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a signing key of oidc-provider', () => {
  it('T01 signs what jose verifies with the published half, a thousand times', async () => {
    const [signing] = await makeRing('one')
    const key = new ProviderSigningKey(signing)
    const published = await importJWK(signing.public_jwk, 'ES256')
    const start = `${encoded({ alg: 'ES256', kid: 'one' })}.${encoded({ sub: 'usr_alice' })}`
    // A number with leading zeros comes once in 128 signatures, and is not shorter for it.
    for (let count = 0; count < 1_000; count += 1) {
      const signature = key.sign(Buffer.from(start))
      expect(signature).toHaveLength(64)
      const jws = `${start}.${signature.toString('base64url')}`
      await expect(compactVerify(jws, published)).resolves.toBeDefined()
    }
  })

  it('K02 publishes what the ring does, and nothing private', async () => {
    const ring = await makeRing('one', 'two')
    const { payload } = await ask(providerOf(ring), '/jwks')
    const published = JSON.parse(payload) as unknown
    expect(published).toEqual(publicKeys(ring))
    expect(JSON.stringify(published)).not.toContain('"d"')
  })

  it('K02 verifies the id_token of a sign-out by any key of the ring, and takes no forged one', async () => {
    const [fresh, old] = await makeRing('fresh', 'old')
    const [stranger] = await makeRing('old')
    if (!old) throw new Error('the ring has two keys')
    const rotated = providerOf([fresh, old])
    const signOut = async (provider: Provider, id_token: string) =>
      (await ask(provider, `/session/end?id_token_hint=${id_token}`)).statusCode
    const claims = { iss: issuer, aud: 'page', sub: 'usr_alice', exp: 2 ** 32 }
    const signed = (alg: string, kid: string, key: SigningKey['key'] | Uint8Array) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key)
    expect(await signOut(rotated, await signed('ES256', 'fresh', fresh.key))).toBe(200)
    const before = await signed('ES256', 'old', old.key)
    expect(await signOut(rotated, before)).toBe(200)
    expect(await signOut(providerOf([fresh]), before)).toBe(400)
    const of_the_published = Buffer.from(JSON.stringify(old.public_jwk))
    const forged = [
      await signed('ES256', 'old', stranger.key),
      await signed('ES256', 'fresh', old.key),
      await signed('HS256', 'old', of_the_published),
      new UnsecuredJWT(claims).encode(),
    ]
    for (const id_token of forged) expect(await signOut(rotated, id_token)).toBe(400)
  })

  it('shows neither its private half nor how to get it', async () => {
    const [signing] = await makeRing('one')
    const key = new ProviderSigningKey(signing)
    expect(key.keyObject().type).toBe('public')
    expect(JSON.stringify(key)).toBe('{}')
  })
})

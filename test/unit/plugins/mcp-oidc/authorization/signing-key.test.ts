import { describe, expect, it } from '@jest/globals'
import { compactVerify, exportJWK, generateKeyPair, importJWK } from 'jose'
import { inject } from 'light-my-request'
import { Provider } from 'oidc-provider'
import { ProviderSigningKey } from '../../../../../plugins/mcp-oidc/authorization/signing-key.ts'
import {
  parseSigningKeys,
  publicKeys,
  type SigningRing,
} from '../../../../../plugins/mcp-oidc/config/signing-keys.ts'

async function makeRing(...kids: string[]): Promise<SigningRing> {
  const jwks = kids.map(async kid => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    return { ...(await exportJWK(privateKey)), kid }
  })
  return parseSigningKeys(JSON.stringify({ keys: await Promise.all(jwks) }))
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
    const provider = new Provider('http://localhost', {
      jwks: { keys: ring.map(key => new ProviderSigningKey(key)) },
      features: {
        devInteractions: { enabled: false },
        externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      },
      cookies: { keys: ['of no use here'] },
    })
    const callback = provider.callback()
    const { payload } = await inject((req, res) => void callback(req, res), '/jwks')
    const published = JSON.parse(payload) as unknown
    expect(published).toEqual(publicKeys(ring))
    expect(JSON.stringify(published)).not.toContain('"d"')
  })

  it('shows neither its private half nor how to get it', async () => {
    const [signing] = await makeRing('one')
    const key = new ProviderSigningKey(signing)
    expect(key.keyObject().type).toBe('public')
    expect(JSON.stringify(key)).toBe('{}')
  })
})

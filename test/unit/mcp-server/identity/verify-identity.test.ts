import { describe, expect, it } from '@jest/globals'
import { exportJWK, generateKeyPair, type JWTPayload, UnsecuredJWT } from 'jose'
import { createHmac, createPublicKey } from 'node:crypto'
import { IdentityError } from '../../../../mcp-server/identity/identity-error.ts'
import { verifyIdentity } from '../../../../mcp-server/identity/verify-identity.ts'
import {
  AUDIENCE,
  claims,
  ISSUER,
  KID,
  localKeys,
  publicJwk,
  seconds,
  sign,
} from '../../../integration/mcp-server/assertion.ts'

const verify = verifyIdentity({ issuer: ISSUER, audience: AUDIENCE, keys: localKeys })
const other = await generateKeyPair('ES256', { extractable: true })

const codeOf = async (token: string) => {
  try {
    await verify(`Bearer ${token}`)
  } catch (error) {
    if (error instanceof IdentityError) return error.code
    throw error
  }
  return 'accepted'
}

/** RFC 8725 2.1: the public key, as text, taken for an HMAC secret. */
function hmacWithPublicKey(): string {
  const pem = createPublicKey({ key: publicJwk, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = { alg: 'HS256', typ: 'gateway-identity+jwt', kid: KID }
  const input = `${encode(header)}.${encode(claims())}`
  return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`
}

describe('verifyIdentity', () => {
  it('M01 gives the identity of a good assertion', async () => {
    await expect(verify(`Bearer ${await sign()}`)).resolves.toEqual({
      user_id: 'usr_bob',
      org_id: 'acme',
      email: 'bob@acme.example',
      roles: ['analyst'],
      scope: 'openid mcp:tools',
      client_id: 'client-1',
      connection_id: 'connection-1',
    })
    await expect(verify(`bearer ${await sign()}`)).resolves.toMatchObject({ org_id: 'acme' })
    expect(await codeOf(await sign({ roles: [], scope: '' }))).toBe('accepted')
  })

  it.each([
    [undefined, 'missing'],
    ['', 'malformed'],
    ['Basic dXNlcjpwYXNz', 'malformed'],
    ['Bearer', 'malformed'],
    ['Bearer a.b', 'malformed'],
    ['Bearer a.b.c.d.e', 'malformed'],
    ['Bearer a.b.c', 'malformed'],
  ])('M01 refuses the header %j', async (header, code) => {
    await expect(verify(header)).rejects.toMatchObject({ code })
  })

  it('M01 refuses an assertion with anything around it', async () => {
    const token = await sign()
    for (const header of [
      `Bearer  ${token}`,
      `Bearer ${token} `,
      `Bearer ${token}, Bearer ${token}`,
    ]) {
      await expect(verify(header)).rejects.toMatchObject({ code: 'malformed' })
    }
  })

  it.each([
    ['at+jwt', 'wrong_type'],
    ['JWT', 'wrong_type'],
    ['Gateway-Identity+JWT', 'wrong_type'],
    ['application/gateway-identity+jwt', 'wrong_type'],
    [undefined, 'unexpected_header'],
  ])('M01 refuses the type %j', async (typ, code) => {
    expect(await codeOf(await sign({}, { typ }))).toBe(code)
  })

  it('M01 refuses other algorithms and keys', async () => {
    const none = new UnsecuredJWT(claims()).encode()
    const header = { alg: 'none', typ: 'gateway-identity+jwt', kid: KID }
    const dressed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${none.split('.')[1] ?? ''}.AA`
    expect(await codeOf(none)).toBe('malformed')
    expect(await codeOf(dressed)).toBe('wrong_algorithm')
    expect(await codeOf(hmacWithPublicKey())).toBe('wrong_algorithm')
    expect(await codeOf(await sign({}, { kid: 'nobody' }))).toBe('unknown_key')
    expect(await codeOf(await sign({}, { kid: undefined }))).toBe('unexpected_header')
    expect(await codeOf(await sign({}, {}, other.privateKey))).toBe('bad_signature')
  })

  it('M01 refuses headers that bring their own key, also when the signature is good', async () => {
    const jwk = await exportJWK(other.publicKey)
    expect(await codeOf(await sign({}, { jwk }, other.privateKey))).toBe('unexpected_header')
    for (const extra of [
      { jwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example' },
    ]) {
      expect(await codeOf(await sign({}, extra))).toBe('unexpected_header')
    }
  })

  it('M01 refuses a changed payload', async () => {
    const [header, , signature] = (await sign()).split('.')
    const payload = Buffer.from(JSON.stringify(claims({ org_id: 'globex' }))).toString('base64url')
    expect(await codeOf(`${header ?? ''}.${payload}.${signature ?? ''}`)).toBe('bad_signature')
  })

  it.each<[string, JWTPayload, string]>([
    ['expired', { iat: seconds() - 70, exp: seconds() - 10 }, 'expired'],
    ['too old, whatever exp says', { iat: seconds() - 120, exp: seconds() + 60 }, 'expired'],
    ['from the future', { iat: seconds() + 30, exp: seconds() + 80 }, 'bad_claims'],
    ['long-lived', { iat: seconds(), exp: seconds() + 61 }, 'bad_claims'],
    ['ended before it began', { iat: seconds() + 3, exp: seconds() + 2 }, 'bad_claims'],
    ['of another issuer', { iss: 'http://evil.test' }, 'bad_claims'],
    ['of the issuer with a slash', { iss: `${ISSUER}/` }, 'bad_claims'],
    ['for another audience', { aud: 'other-server' }, 'bad_claims'],
    ['for the resource', { aud: `${ISSUER}/mcp` }, 'bad_claims'],
    ['for several audiences', { aud: [AUDIENCE, 'other-server'] }, 'bad_claims'],
  ])('M01 refuses an assertion that is %s', async (_name, changes, code) => {
    expect(await codeOf(await sign(changes))).toBe(code)
  })

  it.each(Object.keys(claims()))('M01 refuses an assertion without %s', async name => {
    expect(await codeOf(await sign({ [name]: undefined }))).toBe('bad_claims')
  })

  it.each(Object.keys(claims()))('M01 refuses a %s of another type', async name => {
    expect(await codeOf(await sign({ [name]: { admin: true } }))).not.toBe('accepted')
  })

  it('M01 takes clocks a few seconds apart', async () => {
    expect(await codeOf(await sign({ iat: seconds() - 62, exp: seconds() - 2 }))).toBe('accepted')
    expect(await codeOf(await sign({ iat: seconds() + 3, exp: seconds() + 60 }))).toBe('accepted')
  })

  it('tells an outage of the key set from a bad assertion', async () => {
    const broken = verifyIdentity({
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: () => Promise.reject(new TypeError('fetch failed')),
    })
    await expect(broken(`Bearer ${await sign()}`)).rejects.toMatchObject({
      code: 'keys_unavailable',
    })
    await expect(broken('Bearer garbage')).rejects.toMatchObject({ code: 'malformed' })
  })

  it('goes by the clock it is given', async () => {
    const later = verifyIdentity({
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: localKeys,
      clock: () => Date.now() + 3_600_000,
    })
    await expect(later(`Bearer ${await sign()}`)).rejects.toMatchObject({ code: 'expired' })
  })
})

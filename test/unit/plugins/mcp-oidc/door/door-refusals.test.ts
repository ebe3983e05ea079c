import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { UnsecuredJWT } from 'jose'
import { claims, connection, openDoor, seconds, settings, start, token } from './open-door.ts'

describe('a refusal', () => {
  it.each([
    [undefined, 'no_token'],
    ['Bearer', 'malformed'],
    ['Bearer nonsense', 'invalid_token'],
  ])('M05 of %s is counted by reason and address, and told to nobody else', async (sent, code) => {
    const door = openDoor()
    const { calls, exit } = await door.ask(sent)
    expect([exit?.status, calls]).toEqual([
      401,
      ['request.getHeader', 'request.getHeader', 'client.getForwardedIp', 'response.exit'],
    ])
    const event = { type: 'refusal', outcome: 'refused', error_code: code }
    expect(door.counted).toEqual([{ ...event, ip: '192.0.2.7' }])
  })

  it('M05 G01 stands when Kong cannot tell the address', async () => {
    const door = openDoor()
    expect((await door.ask(undefined, 'client.getForwardedIp')).exit?.status).toBe(401)
    expect(door.counted).toEqual([{ type: 'refusal', outcome: 'refused', error_code: 'no_token' }])
  })

  const metadata = 'resource_metadata="https://gw.example/.well-known/oauth-protected-resource/mcp"'

  it('G03 names metadata and scope, and no error when no token was sent', async () => {
    for (const authorization of [undefined, '', 'Basic dXNlcjpwdw==', 'Bearerx']) {
      const { exit, upstream, calls } = await openDoor().ask(authorization)
      expect(exit?.status).toBe(401)
      expect(exit?.headers['www-authenticate']).toBe(`Bearer ${metadata}, scope="mcp:tools"`)
      expect(upstream).toEqual({})
      expect(calls).toEqual([
        'request.getHeader',
        'request.getHeader',
        'client.getForwardedIp',
        'response.exit',
      ])
    }
  })

  it('G03 says invalid_token when a token was sent', async () => {
    for (const authorization of [
      'Bearer nonsense',
      'Bearer',
      'Bearer ',
      'Bearer a b',
      `Bearer ${'a'.repeat(9000)}`,
      'Bearer "quoted"',
    ]) {
      const { exit } = await openDoor().ask(authorization)
      expect(exit?.status).toBe(401)
      expect(exit?.headers['www-authenticate']).toContain('error="invalid_token"')
      expect(exit?.headers['www-authenticate']).toContain(metadata)
      expect(exit?.body).not.toContain('nonsense')
    }
  })

  it('G03 D03 answers a token without a scope of ours with 403 insufficient_scope', async () => {
    const { exit } = await openDoor().ask(
      `Bearer ${await token({ claims: { scope: 'openid offline_access' } })}`,
    )
    expect(exit?.status).toBe(403)
    expect(exit?.headers['www-authenticate']).toContain('error="insufficient_scope"')
    expect(exit?.headers['www-authenticate']).toContain('scope="mcp:tools"')
  })

  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const public_bytes = Buffer.from(JSON.stringify(settings.signing_keys[0].public_jwk))
  const refused: readonly (readonly [string, () => Promise<string> | string])[] = [
    [
      'alg none',
      () =>
        new UnsecuredJWT({ ...claims })
          .setIssuer(settings.issuer)
          .setAudience(settings.resource)
          .setSubject('usr_alice')
          .setExpirationTime(seconds + 600)
          .encode(),
    ],
    [
      'HS256 keyed with the public key',
      () => token({ alg: 'HS256', key: createSecretKey(public_bytes) }),
    ],
    ['another key under our kid', () => token({ key: foreign.privateKey })],
    ['an unknown kid', () => token({ header: { kid: 'other' }, key: foreign.privateKey })],
    [
      'an embedded jwk',
      () =>
        token({
          header: { jwk: foreign.publicKey.export({ format: 'jwk' }) },
          key: foreign.privateKey,
        }),
    ],
    [
      'a jku',
      () => token({ header: { jku: 'https://evil.example/jwks' }, key: foreign.privateKey }),
    ],
    [
      'an x5u',
      () => token({ header: { x5u: 'https://evil.example/x5u' }, key: foreign.privateKey }),
    ],
    ['an id_token', () => token({ header: { typ: 'JWT' }, claims: { aud: 'client-1' } })],
    ['an id_token for the resource', () => token({ header: { typ: undefined } })],
    [
      'an assertion',
      () => token({ header: { typ: 'gateway-identity+jwt' }, claims: { aud: 'mcp-server' } }),
    ],
    ['an assertion typ for the resource', () => token({ header: { typ: 'gateway-identity+jwt' } })],
    ['an opaque refresh token', () => randomBytes(32).toString('base64url')],
    ['another audience', () => token({ claims: { aud: 'https://api.example' } })],
    [
      'a list of audiences',
      () => token({ claims: { aud: [settings.resource, 'https://api.example'] } }),
    ],
    ['the resource with a slash', () => token({ claims: { aud: `${settings.resource}/` } })],
    ['another issuer', () => token({ claims: { iss: 'https://product.example' } })],
    ['expired', () => token({ claims: { exp: seconds - 1 } })],
    ['no expiry', () => token({ claims: { exp: undefined } })],
    ['not yet valid', () => token({ claims: { nbf: seconds + 60 } })],
    ['no connection in it', () => token({ claims: { sid: undefined } })],
    ['a subject that is no user', () => token({ claims: { sub: 'client-1' } })],
    ["another user than the connection's", () => token({ claims: { sub: 'usr_bob' } })],
    ["another client than the connection's", () => token({ claims: { client_id: 'client-2' } })],
    ["another org than the connection's", () => token({ claims: { org_id: 'globex' } })],
    ['a broken signature', async () => (await token()).slice(0, -4) + 'AAAA'],
  ]

  it.each(refused)('T02 meets %s', async (_name, make) => {
    const { exit, upstream } = await openDoor().ask(`Bearer ${await make()}`)
    expect(exit?.status).toBe(401)
    expect(exit?.headers['www-authenticate']).toContain('error="invalid_token"')
    expect(upstream).toEqual({})
  })

  it('T04 meets a connection past its end', async () => {
    const door = openDoor(() => Promise.resolve({ ...connection, expires_at: new Date(start) }))
    expect((await door.ask(`Bearer ${await token()}`)).exit?.status).toBe(401)
  })
})

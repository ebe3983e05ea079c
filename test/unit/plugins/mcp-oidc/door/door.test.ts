import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { publicKeys } from '../../../../../plugins/mcp-oidc/config/signing-keys.ts'
import { openDoor, settings, start, token } from './open-door.ts'

describe('a good token', () => {
  it('T01 costs two PDK calls and becomes the identity', async () => {
    const { calls, exit, upstream } = await openDoor().ask(`Bearer ${await token()}`)
    expect(exit).toBeUndefined()
    expect(calls).toEqual(['request.getHeader', 'service.request.setHeaders'])
    expect(upstream).toMatchObject({
      'X-User-Id': 'usr_alice',
      'X-Org-Id': 'acme',
      'X-User-Email': 'alice@acme.example',
      'X-Client-Id': 'client-1',
    })
  })

  it('M01 is replaced by a short assertion for the upstream alone', async () => {
    const jwt = await token()
    const { upstream } = await openDoor().ask(`Bearer ${jwt}`)
    const assertion = String(upstream.Authorization).slice('Bearer '.length)
    expect(upstream.Authorization).not.toContain(jwt)
    const { payload } = await jwtVerify(
      assertion,
      createLocalJWKSet(publicKeys(settings.signing_keys)),
      {
        typ: 'gateway-identity+jwt',
        issuer: settings.issuer,
        audience: 'mcp-server',
        algorithms: ['ES256'],
        currentDate: new Date(start),
      },
    )
    expect(payload).toMatchObject({
      sub: 'usr_alice',
      org_id: 'acme',
      email: 'alice@acme.example',
      roles: ['admin'],
      client_id: 'client-1',
      sid: 'con_1',
      scope: 'openid mcp:tools',
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60)
  })
})

describe('G01 whatever breaks', () => {
  it('is a 503 when the connection cannot be looked up', async () => {
    const door = openDoor(() => Promise.reject(new Error('database away')))
    const { exit, upstream } = await door.ask(`Bearer ${await token()}`)
    expect(exit?.status).toBe(503)
    expect(upstream).toEqual({})
    expect(exit?.body).not.toContain('database away')
    expect(door.log.entries).toContainEqual(expect.objectContaining({ level: 'error' }))
  })

  it.each(['request.getHeader', 'service.request.setHeaders'])(
    'is a 503 when %s fails',
    async failing => {
      const { exit } = await openDoor().ask(`Bearer ${await token()}`, failing)
      expect(exit?.status).toBe(503)
    },
  )

  it('is a 503 when the assertion cannot be signed', async () => {
    const [signing_key] = settings.signing_keys
    const door = openDoor(undefined, {
      ...settings,
      signing_keys: [{ ...signing_key, key: foreignPublic() }],
    })
    expect((await door.ask(`Bearer ${await token()}`)).exit?.status).toBe(503)
  })
})

function foreignPublic(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
}

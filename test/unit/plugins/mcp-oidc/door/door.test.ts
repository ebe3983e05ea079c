import { createSecretKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT, UnsecuredJWT } from 'jose'
import { parseConfig, type Settings } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { publicKeys } from '../../../../../plugins/mcp-oidc/config/signing-keys.ts'
import { createDoor } from '../../../../../plugins/mcp-oidc/door/door.ts'
import { serveResource } from '../../../../../plugins/mcp-oidc/door/serve-resource.ts'
import { failClosed } from '../../../../../plugins/mcp-oidc/fail-closed.ts'
import type { Connection } from '../../../../../storage/connections.ts'
import { rawConfig } from '../../../../support/config.ts'
import { recordingLog, runPhase } from '../../../../support/fake-kong.ts'

const { settings } = parseConfig(rawConfig())
const start = Date.parse('2026-11-22T12:00:00Z')
const seconds = start / 1000

const connection: Connection = {
  id: 'con_1',
  user_id: 'usr_alice',
  org_id: 'acme',
  client_id: 'client-1',
  idp_id: 'dev',
  status: 'active',
  ended_reason: undefined,
  ended_at: undefined,
  created_at: new Date(start - 1000),
  last_used_at: undefined,
  expires_at: new Date(start + 86_400_000),
  profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: 'alice' },
}

const claims = {
  sid: 'con_1',
  org_id: 'acme',
  client_id: 'client-1',
  scope: 'openid mcp:tools',
  jti: 'j1',
}

interface Shape {
  readonly claims?: object
  readonly header?: object
  readonly key?: KeyObject
  readonly alg?: string
}

function token({
  claims: changed = {},
  header = {},
  key = settings.signing_keys[0].key,
  alg = 'ES256',
}: Shape = {}): Promise<string> {
  const payload = {
    ...claims,
    iss: settings.issuer,
    aud: settings.resource,
    sub: 'usr_alice',
    iat: seconds,
    exp: seconds + 600,
    ...changed,
  }
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>)
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: settings.signing_keys[0].kid, ...header })
    .sign(key)
}

function open(
  found: (id: string) => Promise<Connection | undefined> = () => Promise.resolve(connection),
  use: Settings = settings,
) {
  let now = start
  let lookups = 0
  const door = createDoor(use, {
    connection: id => {
      lookups += 1
      return found(id)
    },
    now: () => now,
  })
  const log = recordingLog()
  const counted: object[] = []
  const audit = { refused: (refusal: object) => void counted.push(refusal) }
  return {
    log,
    counted,
    lookups: () => lookups,
    pass: (ms: number) => void (now += ms),
    ask: (authorization?: string, failing?: string) =>
      runPhase(
        kong => failClosed(kong, log, () => serveResource(kong, door, { audit, log })),
        authorization === undefined ? {} : { headers: { authorization } },
        failing,
      ),
  }
}

describe('a refusal', () => {
  it.each([
    [undefined, 'no_token'],
    ['Bearer', 'malformed'],
    ['Bearer nonsense', 'invalid_token'],
  ])('M05 of %s is counted by reason and address, and told to nobody else', async (sent, code) => {
    const door = open()
    const { calls, exit } = await door.ask(sent)
    expect([exit?.status, calls]).toEqual([
      401,
      ['request.getHeader', 'request.getHeader', 'client.getForwardedIp', 'response.exit'],
    ])
    const event = { type: 'refusal', outcome: 'refused', error_code: code }
    expect(door.counted).toEqual([{ ...event, ip: '192.0.2.7' }])
  })

  it('M05 G01 stands when Kong cannot tell the address', async () => {
    const door = open()
    expect((await door.ask(undefined, 'client.getForwardedIp')).exit?.status).toBe(401)
    expect(door.counted).toEqual([{ type: 'refusal', outcome: 'refused', error_code: 'no_token' }])
  })
})

describe('a good token', () => {
  it('T01 costs two PDK calls and becomes the identity', async () => {
    const { calls, exit, upstream } = await open().ask(`Bearer ${await token()}`)
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
    const { upstream } = await open().ask(`Bearer ${jwt}`)
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

  it('reuses an assertion for half its life, then signs another', async () => {
    const door = open()
    const authorization = `bearer ${await token()}`
    const assertion = async () => (await door.ask(authorization)).upstream.Authorization
    const first = await assertion()
    door.pass(29_000)
    expect(await assertion()).toBe(first)
    door.pass(2_000)
    const second = String(await assertion())
    expect(second).not.toBe(first)
    expect(decodeJwt(second.slice(7)).exp).toBe(seconds + 31 + 60)
  })

  it('is judged at once when all about it is known, and only this very token is', async () => {
    const door = createDoor(settings, { connection: () => connection, now: () => start })
    const jwt = await token()
    const first = await door.judge({ kind: 'bearer', token: jwt })
    expect(door.judge({ kind: 'bearer', token: jwt })).toBe(first)
    for (const other of [`${jwt} `, `${jwt}\n`, ` ${jwt}`, `${jwt},${jwt}`])
      expect(await door.judge({ kind: 'bearer', token: other })).toMatchObject({
        refused: true,
        reason: 'malformed',
      })
  })

  it('T08 is refused as soon as its connection has ended, cached or not', async () => {
    let state: Connection | undefined = connection
    const door = open(() => Promise.resolve(state))
    const authorization = `Bearer ${await token()}`
    expect((await door.ask(authorization)).exit).toBeUndefined()
    state = { ...connection, status: 'ended', ended_reason: 'revoked' }
    expect((await door.ask(authorization)).exit?.status).toBe(401)
    state = undefined
    expect((await door.ask(authorization)).exit?.status).toBe(401)
  })

  it('T02 is refused once it has expired, also when its signature is remembered', async () => {
    const door = open()
    const authorization = `Bearer ${await token()}`
    expect((await door.ask(authorization)).exit).toBeUndefined()
    door.pass(601_000)
    expect((await door.ask(authorization)).exit?.status).toBe(401)
  })
})

describe('a refusal', () => {
  const metadata = 'resource_metadata="https://gw.example/.well-known/oauth-protected-resource/mcp"'

  it('G03 names metadata and scope, and no error when no token was sent', async () => {
    for (const authorization of [undefined, '', 'Basic dXNlcjpwdw==', 'Bearerx']) {
      const { exit, upstream, calls } = await open().ask(authorization)
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
      const { exit } = await open().ask(authorization)
      expect(exit?.status).toBe(401)
      expect(exit?.headers['www-authenticate']).toContain('error="invalid_token"')
      expect(exit?.headers['www-authenticate']).toContain(metadata)
      expect(exit?.body).not.toContain('nonsense')
    }
  })

  it('G03 D03 answers a token without a scope of ours with 403 insufficient_scope', async () => {
    const { exit } = await open().ask(
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
    const { exit, upstream } = await open().ask(`Bearer ${await make()}`)
    expect(exit?.status).toBe(401)
    expect(exit?.headers['www-authenticate']).toContain('error="invalid_token"')
    expect(upstream).toEqual({})
  })

  it('T04 meets a connection past its end', async () => {
    const door = open(() => Promise.resolve({ ...connection, expires_at: new Date(start) }))
    expect((await door.ask(`Bearer ${await token()}`)).exit?.status).toBe(401)
  })
})

describe('G01 whatever breaks', () => {
  it('is a 503 when the connection cannot be looked up', async () => {
    const door = open(() => Promise.reject(new Error('database away')))
    const { exit, upstream } = await door.ask(`Bearer ${await token()}`)
    expect(exit?.status).toBe(503)
    expect(upstream).toEqual({})
    expect(exit?.body).not.toContain('database away')
    expect(door.log.entries).toContainEqual(expect.objectContaining({ level: 'error' }))
  })

  it.each(['request.getHeader', 'service.request.setHeaders'])(
    'is a 503 when %s fails',
    async failing => {
      const { exit } = await open().ask(`Bearer ${await token()}`, failing)
      expect(exit?.status).toBe(503)
    },
  )

  it('is a 503 when the assertion cannot be signed', async () => {
    const [signing_key] = settings.signing_keys
    const door = open(undefined, {
      ...settings,
      signing_keys: [{ ...signing_key, key: foreignPublic() }],
    })
    expect((await door.ask(`Bearer ${await token()}`)).exit?.status).toBe(503)
  })
})

function foreignPublic(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
}

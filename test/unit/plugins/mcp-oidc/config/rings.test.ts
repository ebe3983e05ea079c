import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../../plugins/mcp-oidc/config/problem.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig } from '../../../../support/config.ts'

type Jwk = Readonly<Record<string, unknown>>
type Setting = 'signing_keys' | 'storage_keys' | 'cookie_keys'

const oct = (kid: string, k = randomBytes(32).toString('base64url')): Jwk => ({
  ...{ kty: 'oct', kid, k },
})
const ec = (kid: string): Jwk => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid,
})

/** The whole pair of a private key of one's own choice. */
function pairOf(kid: string, d: Uint8Array): Jwk {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(d)
  const point = ecdh.getPublicKey()
  return {
    ...{ kty: 'EC', crv: 'P-256', kid, d: Buffer.from(d).toString('base64url') },
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
}

/** What is said at start of these rings, each a list of keys. */
function problemsOf(rings: Partial<Record<Setting, readonly Jwk[]>>): readonly string[] {
  const texts = Object.fromEntries(
    Object.entries(rings).map(([setting, keys]) => [setting, JSON.stringify({ keys })]),
  )
  try {
    parseConfig(rawConfig(texts))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    for (const key of Object.values(rings).flat())
      for (const secret of [key['d'], key['k']])
        if (typeof secret === 'string') expect(error.problems.join()).not.toContain(secret)
    return error.problems
  }
  return []
}

const [signing, storage, cookie] = [ec('s'), oct('st'), oct('c')]

describe('the three rings', () => {
  it('K02 are accepted with several keys of their own each, also under equal kids', () => {
    expect(
      problemsOf({
        signing_keys: [signing, ec('2')],
        storage_keys: [storage, oct('2')],
        cookie_keys: [cookie, oct('2')],
      }),
    ).toEqual([])
  })

  it.each<[string, Partial<Record<Setting, readonly Jwk[]>>, string]>([
    [
      'a storage key that is a cookie key too, under another kid',
      { storage_keys: [storage], cookie_keys: [cookie, { ...storage, kid: 'x' }] },
      'cookie_keys: "x" is the key "st" of storage_keys; make a separate one',
    ],
    [
      'a signing key whose private half is a storage key',
      { signing_keys: [signing], storage_keys: [storage, oct('x', String(signing['d']))] },
      'storage_keys: "x" is the key "s" of signing_keys; make a separate one',
    ],
    [
      'a cookie key that everybody can read at /jwks',
      { signing_keys: [signing], cookie_keys: [oct('x', String(signing['x']))] },
      'cookie_keys: "x" is the key "s" of signing_keys; make a separate one',
    ],
    [
      'one signing key under two kids',
      { signing_keys: [signing, { ...signing, kid: 'x' }] },
      'signing_keys: key "x" is the same as key "s"',
    ],
    [
      'one storage key under two kids',
      { storage_keys: [storage, { ...storage, kid: 'x' }] },
      "storage_keys: keys[1]: k is the same as an earlier key's",
    ],
    [
      'two signing keys under one kid',
      { signing_keys: [signing, ec('s')] },
      'signing_keys: has two keys with one kid',
    ],
    [
      'a short cookie key',
      { cookie_keys: [oct('c', randomBytes(16).toString('base64url'))] },
      'cookie_keys: keys[0]: k is not 32 bytes',
    ],
    [
      'a storage key that is text',
      { storage_keys: [oct('st', Buffer.from('x'.repeat(31) + 'y').toString('base64url'))] },
      'storage_keys: keys[0]: k is readable text, not a random key',
    ],
    [
      'a signing key of a small number',
      {
        signing_keys: [
          pairOf(
            's',
            Uint8Array.from({ length: 32 }, (_, i) => +(i > 30)),
          ),
        ],
      },
      'signing_keys: key "s": d is made of a few bytes only, not a random key',
    ],
    [
      'a signing key with the public half of another',
      { signing_keys: [{ ...signing, x: ec('o')['x'], y: ec('o')['y'] }] },
      'signing_keys: key "s" is not a valid P-256 private key with its own public half, all in base64url',
    ],
    [
      'a signing key whose private half is cut short',
      { signing_keys: [{ ...signing, d: String(signing['d']).slice(0, 20) }] },
      'signing_keys: key "s" is not a valid P-256 private key with its own public half, all in base64url',
    ],
  ])('K02 refuses %s, naming the setting and never the key', (_, rings, problem) => {
    expect(problemsOf(rings)).toEqual([problem])
  })

  it('K02 names the problems of all rings at once', () => {
    const zeros = oct('z', Buffer.alloc(32).toString('base64url'))
    const problems = problemsOf({
      signing_keys: [],
      storage_keys: [zeros],
      cookie_keys: [oct('c', 'AAAA')],
    })
    expect(problems.map(problem => problem.split(':')[0])).toEqual([
      ...['signing_keys', 'storage_keys', 'cookie_keys'],
    ])
  })
})

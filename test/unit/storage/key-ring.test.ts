import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseKeyRing, subkey } from '../../../storage/key-ring.ts'

const oct = (kid: unknown, k: unknown = randomBytes(32).toString('base64url')) => ({
  kty: 'oct',
  kid,
  k,
})
const jwks = (...keys: unknown[]) => JSON.stringify({ keys })
const twice = oct('a')
const text = (said: string) => Buffer.from(said).toString('base64url')

describe('parseKeyRing', () => {
  it('keeps the keys in order: the first one seals', () => {
    const [a, b] = [oct('a'), oct('b')]
    const ring = parseKeyRing(jwks(a, b))
    expect(ring.map(({ kid }) => kid)).toEqual(['a', 'b'])
    expect(ring.map(({ key }) => Buffer.from(key).toString('base64url'))).toEqual([a.k, b.k])
  })

  it.each([
    ['not JSON', '{"keys":[', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['null', 'null', 'no member "keys"'],
    ['no keys member', '{}', 'no member "keys"'],
    ['keys that are no list', '{"keys":{}}', 'not a list'],
    ['an empty list', jwks(), 'holds no keys'],
    ['a key that is no object', jwks('k'), 'keys[0]: not an object'],
    ['another kind of key', jwks({ kty: 'EC', kid: 'a' }), 'keys[0]: kty is not "oct"'],
    ['no kid', jwks(oct(undefined)), 'keys[0]: kid is missing'],
    ['an empty kid', jwks(oct('')), 'keys[0]: kid is missing'],
    ['a kid that is no text', jwks(oct(7)), 'keys[0]: kid is missing'],
    ['an endless kid', jwks(oct('ä'.repeat(33))), 'keys[0]: kid is longer than 64 bytes'],
    ['a kid twice', jwks(twice, oct('a')), 'keys[1]: kid is already taken'],
    ['a key twice', jwks(twice, oct('b', twice.k)), "keys[1]: k is the same as an earlier key's"],
    ['no k', jwks({ kty: 'oct', kid: 'a' }), 'keys[0]: k is missing'],
    ['plain base64', jwks(oct('a', Buffer.alloc(32, 0xff).toString('base64'))), 'not base64url'],
    ['a short k', jwks(oct('a', randomBytes(31).toString('base64url'))), 'not 32 bytes'],
    ['a long k', jwks(oct('a', randomBytes(33).toString('base64url'))), 'not 32 bytes'],
    ['zeros', jwks(oct('a', Buffer.alloc(32).toString('base64url'))), 'one byte repeated'],
    ['one byte', jwks(oct('a', Buffer.alloc(32, 0xab).toString('base64url'))), 'one byte repeated'],
    ['a password', jwks(oct('a', text('correct horse battery staple ...'))), 'readable text'],
    ['hex digits for bytes', jwks(oct('a', text(randomBytes(16).toString('hex')))), 'readable'],
  ])('K02 refuses %s', (_, text, problem) => {
    expect(() => parseKeyRing(text)).toThrow(TypeError)
    expect(() => parseKeyRing(text)).toThrow(problem)
  })

  it('K02 names every problem at once', () => {
    const parse = () => parseKeyRing(jwks(oct('a', 'AAAA'), oct('b'), oct('')))
    expect(parse).toThrow('keys[0]: k is not 32 bytes; keys[2]: kid is missing')
  })

  it('K01 never says the key, whatever is wrong with it', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 48 }),
        fc.constantFrom('"', '', '}', ' x'),
        fc.constantFrom('oct', 'RSA', 'secret'),
        (bytes, noise, kty) => {
          const k = Buffer.from(bytes).toString('base64url')
          const text = `{"keys":[{"kty":"${kty}","kid":"a","k":"${k}"}, {"k":"${k}"}]}${noise}`
          try {
            parseKeyRing(text)
          } catch (error) {
            expect(String(error)).not.toContain(k.slice(0, 8))
            return
          }
          throw new Error('the second key should have been refused')
        },
      ),
    )
  })
})

describe('subkey', () => {
  const key = { kid: 'a', key: randomBytes(32) }

  it('is the same for the same purpose, another for another, and never the key', () => {
    const bytes = (purpose: string) => subkey({ ...key }, purpose).export()
    expect(bytes('seal')).toEqual(bytes('seal'))
    expect(bytes('seal')).not.toEqual(bytes('keyed-hash'))
    expect(bytes('seal')).not.toEqual(Buffer.from(key.key))
    expect(subkey(key, 'seal').export()).toEqual(bytes('seal'))
    expect(subkey(key, 'seal')).toBe(subkey(key, 'seal'))
  })
})

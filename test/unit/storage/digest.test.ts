import { describe, expect, it } from '@jest/globals'
import { idHash, keyedHash } from '../../../storage/digest.ts'
import { testKey } from '../../support/key-ring.ts'

describe('idHash', () => {
  it('K01 is SHA-256 (FIPS 180-2, the "abc" example)', () => {
    expect(idHash('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('keyedHash', () => {
  const key = { kid: 'a', key: Uint8Array.from({ length: 32 }, (_, index) => index) }

  it('K01 finds the same email again, so it never changes between releases', () => {
    expect(keyedHash(key, 'alice@acme.example').toString('hex')).toBe(
      '0b5fdd65103cf031734e0d603ea815eadb73669bc5f96760b9b1563b1061a035',
    )
  })

  it('K01 says nothing to who has another key, and differs by text', () => {
    const other = testKey('a')
    expect(keyedHash(other, 'alice@acme.example')).not.toEqual(keyedHash(key, 'alice@acme.example'))
    expect(keyedHash(key, 'bob@acme.example')).not.toEqual(keyedHash(key, 'alice@acme.example'))
    expect(keyedHash(key, 'alice@acme.example')).not.toEqual(idHash('alice@acme.example'))
  })
})

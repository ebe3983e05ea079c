import { describe, expect, it } from '@jest/globals'
import { idHash, lookupHash } from '../../../storage/digest.ts'
import { testKey } from '../../support/key-ring.ts'

describe('idHash', () => {
  it('K01 is SHA-256 (FIPS 180-2, the "abc" example)', () => {
    expect(idHash('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('lookupHash', () => {
  const key = { kid: 'a', key: Uint8Array.from({ length: 32 }, (_, index) => index) }
  const { email, idpSession } = lookupHash

  it('K01 finds the same email again, so it never changes between releases', () => {
    expect(email(key, 'alice@acme.example').toString('hex')).toBe(
      '38f811a7abfe582d434763f3e2adb084a3ebcd775043642b9ba6d4b1c07f3a4e',
    )
    expect(email(key, 'Alice@Acme.Example')).toEqual(email(key, 'alice@acme.example'))
  })

  it('K01 says nothing to who has another key, and differs by text and by kind', () => {
    expect(email(testKey('a'), 'alice@acme.example')).not.toEqual(email(key, 'alice@acme.example'))
    expect(email(key, 'bob@acme.example')).not.toEqual(email(key, 'alice@acme.example'))
    expect(email(key, 'alice@acme.example')).not.toEqual(idHash('alice@acme.example'))
    expect(idpSession(key, 'okta', 's1')).not.toEqual(idpSession(key, 'entra', 's1'))
    expect(idpSession(key, 'okta', 's1')).not.toEqual(email(key, 's1'))
  })
})

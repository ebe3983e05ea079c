import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type KeyRing } from '../../../storage/key-ring.ts'
import { seal, SealError, type SealErrorCode, unseal } from '../../../storage/seal.ts'
import { testKey, testRing } from '../../support/key-ring.ts'

const ring = testRing('2026-01')
const row = 'connections/abc'
const profile = { email: 'alice@acme.example', roles: ['admin'] }

/** Why the envelope did not open. A value, or any error but SealError, fails the test. */
function refusal(keys: KeyRing, name: string, envelope: Uint8Array): SealErrorCode {
  try {
    unseal(keys, name, envelope)
  } catch (error) {
    if (error instanceof SealError) return error.code
    throw error
  }
  throw new Error('the envelope opened')
}

describe('seal', () => {
  it('K01 gives back any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, name) => {
        const text = JSON.stringify(value)
        expect(JSON.stringify(unseal(ring, name, seal(ring, name, value)))).toBe(text)
      }),
    )
  })

  it('K01 shows nothing of the value', () => {
    const envelope = seal(ring, row, profile).toString('latin1')
    expect(envelope).toContain('2026-01')
    expect(envelope).not.toContain('alice')
    expect(envelope).not.toContain('admin')
  })

  it('K01 is another envelope each time', () => {
    const envelopes = Array.from({ length: 1000 }, () => seal(ring, row, profile).toString('hex'))
    expect(new Set(envelopes).size).toBe(1000)
  })

  it.each([[undefined], [Symbol('x')], [() => 1]])('refuses %p, which JSON cannot say', value => {
    expect(() => seal(ring, row, value)).toThrow(TypeError)
  })
})

describe('unseal', () => {
  const envelope = seal(ring, row, profile)

  it('K01 refuses an envelope with any single bit changed', () => {
    for (let bit = 0; bit < envelope.length * 8; bit++) {
      const changed = Buffer.from(envelope)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(refusal(ring, row, changed)).toMatch(/^(tampered|unknown_key|malformed)$/)
    }
  })

  it('K01 refuses any bytes replaced by others', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: envelope.length - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        (at, bytes) => {
          const changed = Buffer.from(envelope)
          changed.set(bytes.subarray(0, envelope.length - at), at)
          fc.pre(!changed.equals(envelope))
          refusal(ring, row, changed)
        },
      ),
    )
  })

  it('K01 refuses an envelope cut short or made longer, at every length', () => {
    for (let length = 0; length < envelope.length; length++)
      refusal(ring, row, envelope.subarray(0, length))
    expect(refusal(ring, row, Buffer.concat([envelope, Buffer.of(0)]))).toBe('tampered')
  })

  it("K01 refuses another row's envelope", () => {
    expect(refusal(ring, 'connections/abd', envelope)).toBe('tampered')
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        fc.pre(one !== other)
        expect(refusal(ring, other, seal(ring, one, profile))).toBe('tampered')
      }),
    )
  })

  it('K01 refuses another key, also one of the same name', () => {
    expect(refusal(testRing('another'), row, envelope)).toBe('unknown_key')
    expect(refusal(testRing('2026-01'), row, envelope)).toBe('tampered')
  })

  it('K01 does not try the other keys of the ring on an envelope that names one', () => {
    const [a, b] = [testKey('a'), testKey('b')]
    const renamed = Buffer.from(seal([a], row, profile))
    renamed.write('b', 2)
    expect(refusal([a, b], row, renamed)).toBe('tampered')
  })

  it('K03 opens with a key that no longer seals', () => {
    const [old, fresh] = [testKey('old'), testKey('fresh')]
    const before = seal([old], row, profile)
    const after = seal([fresh, old], row, profile)
    expect(unseal([fresh, old], row, before)).toEqual(profile)
    expect(unseal([fresh], row, after)).toEqual(profile)
    expect(refusal([fresh], row, before)).toBe('unknown_key')
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.of(1)],
    ['a version to come', Buffer.concat([Buffer.of(2), envelope.subarray(1)])],
    ['text', Buffer.from(JSON.stringify(profile))],
  ])('K01 calls %s malformed', (_, bytes) => {
    expect(refusal(ring, row, bytes)).toBe('malformed')
  })

  it('K01 says in its message neither the value nor the key', () => {
    const changed = Buffer.concat([envelope, Buffer.of(0)])
    expect(() => unseal(ring, row, changed)).toThrow(
      'connections/abc was changed, belongs to another row, or its key "2026-01" is another one',
    )
  })
})

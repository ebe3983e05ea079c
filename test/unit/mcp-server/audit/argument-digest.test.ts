import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { argumentDigest } from '../../../../mcp-server/audit/argument-digest.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('argumentDigest', () => {
  it('M04 is the SHA-256 of canonical JSON', () => {
    expect(argumentDigest({ b: [1, { d: null, c: 'é' }], a: true })).toBe(
      sha256('{"a":true,"b":[1,{"c":"é","d":null}]}'),
    )
  })

  it('M04 does not depend on the order of members, but on that of a list', () => {
    expect(argumentDigest({ a: 1, b: 2 })).toBe(argumentDigest({ b: 2, a: 1 }))
    expect(argumentDigest({ a: [1, 2] })).not.toBe(argumentDigest({ a: [2, 1] }))
  })

  it('M04 takes no arguments for empty ones', () => {
    expect(argumentDigest(undefined)).toBe(sha256('{}'))
  })

  it('gives up on endless nesting', () => {
    let nested: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) nested = [nested]
    expect(() => argumentDigest(nested)).toThrow(RangeError)
  })
})

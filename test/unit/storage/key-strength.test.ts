import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { keyWeakness } from '../../../storage/key-strength.ts'

const bytes = (of: (index: number) => number) =>
  Uint8Array.from({ length: 32 }, (_, index) => of(index) & 0xff)
const half = randomBytes(16)

describe('keyWeakness', () => {
  it.each([
    ['zeros', bytes(() => 0), 'one byte repeated'],
    ['ones', bytes(() => 0xff), 'one byte repeated'],
    ['two bytes in turn', bytes(index => [0x13, 0xf7][index % 2] ?? 0), 'a few bytes repeated'],
    ['five bytes in turn', bytes(index => 0x80 + ((index % 5) ^ 3)), 'a few bytes repeated'],
    ['a random half, twice', Buffer.concat([half, half]), 'a few bytes repeated'],
    ['counting up', bytes(index => index), 'bytes that count'],
    ['counting down over the edge', bytes(index => 3 - 7 * index), 'bytes that count'],
    ['a sentence', Buffer.from('this is 32 characters of English'), 'readable text'],
    ['a small number', bytes(index => (index === 31 ? 5 : 0)), 'made of a few bytes only'],
    [
      'digits of nothing',
      bytes(index => 0x80 + ((index * index + (index >> 3)) % 13)),
      'made of a few bytes only',
    ],
  ])('K02 sees through %s', (_, key, weakness) => {
    expect(key).toHaveLength(32)
    expect(keyWeakness(key)).toBe(weakness)
  })

  it('K02 finds nothing wrong with random keys', () => {
    for (let nth = 0; nth < 20_000; nth += 1) expect(keyWeakness(randomBytes(32))).toBeUndefined()
  })
})

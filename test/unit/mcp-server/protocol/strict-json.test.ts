import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  AmbiguousJson,
  refuseAmbiguousMembers,
} from '../../../../mcp-server/protocol/strict-json.ts'

describe('G06 JSON that can be read in two ways', () => {
  it.each([
    '{"method":"a","method":"b"}',
    '{"method":"a","Method":"b"}',
    '{"params":{"name":"a","x":[{"y":1}],"NAME":"b"}}',
    String.raw`{"method":"a","\u006dethod":"b"}`,
    String.raw`{"a\"b":1,"a\"b" : 2}`,
    '{"list":[{"id":1,"id":2}]}',
    '{"key":1,"\u212aey":2}',
    '{"status":1,"\u017ftatus":2}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
  ])('refuses %s', json => {
    expect(() => JSON.parse(json) as unknown).not.toThrow()
    expect(() => refuseAmbiguousMembers(json)).toThrow(AmbiguousJson)
  })

  it.each([
    '{"a":{"name":1},"b":{"name":2},"name":3}',
    '[{"id":1},{"id":2}]',
    '{"text":"\\"id\\":1,\\"id\\":2","id":"{\\"id\\":"}',
    '{"a":"a:","b":["a","a",":"]}',
    '"text"',
    'null',
  ])('takes %s', json => {
    expect(() => refuseAmbiguousMembers(json)).not.toThrow()
  })

  it('takes whatever JSON.stringify writes, unless two names differ by case only', () => {
    const name = fc.string({ unit: 'binary' })
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.array(tie('any')),
        fc
          .uniqueArray(fc.tuple(name, tie('any')), {
            selector: ([key]) => key.toUpperCase().toLowerCase(),
          })
          .map(entries => Object.fromEntries(entries)),
      ),
    }))
    fc.assert(
      fc.property(value.any, any => {
        refuseAmbiguousMembers(JSON.stringify(any))
      }),
      { seed: 6, numRuns: 2_000 },
    )
  })

  it('finds a repeated member wherever it is put', () => {
    const depth = fc.integer({ min: 0, max: 20 })
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), depth, (name, levels) => {
        const key = JSON.stringify(name)
        const object = `{${key}:1, ${key} :2}`
        const json = `${'{"x":['.repeat(levels)}${object}${']}'.repeat(levels)}`
        expect(() => refuseAmbiguousMembers(json)).toThrow(AmbiguousJson)
      }),
      { seed: 6, numRuns: 1_000 },
    )
  })

  it('gives up on what is nested too deeply', () => {
    expect(() => refuseAmbiguousMembers(`${'['.repeat(1_001)}${']'.repeat(1_001)}`)).toThrow(
      RangeError,
    )
  })
})

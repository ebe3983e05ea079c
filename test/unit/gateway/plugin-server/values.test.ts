import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import type { SharedValue } from '../../../../gateway/plugin-server/pdk.ts'
import { message } from '../../../../gateway/plugin-server/protocol.ts'
import {
  fromHeaderStruct,
  fromValue,
  toHeaderStruct,
  toValue,
} from '../../../../gateway/plugin-server/values.ts'
import type { Struct, Value } from '../../../../gateway/plugin-server/values.ts'

const value_message = message<Value>('google.protobuf.Value')
const struct_message = message<Struct>('google.protobuf.Struct')
const roundTrip = (value: SharedValue) =>
  fromValue(value_message.decode(value_message.encode(toValue(value))))

describe('google.protobuf values', () => {
  it('come back as they were sent', () => {
    const any = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<SharedValue>
    fc.assert(
      fc.property(any, value => {
        expect(JSON.parse(JSON.stringify(roundTrip(value)))).toEqual(
          JSON.parse(JSON.stringify(value)),
        )
      }),
    )
  })

  it('reads what Kong sends for nil as null', () => {
    expect(fromValue(value_message.decode(Buffer.from('0801', 'hex')))).toBeNull()
    expect(fromValue(value_message.decode(Buffer.alloc(0)))).toBeNull()
  })

  it('refuses what Kong has no value for', () => {
    expect(() => toValue(Number.NaN)).toThrow(TypeError)
    expect(() => toValue(undefined as unknown as SharedValue)).toThrow(TypeError)
    expect(() => toValue([() => 1] as unknown as SharedValue)).toThrow(TypeError)
  })

  it('keeps single and repeated headers apart, and no name reaches a prototype', () => {
    const headers = JSON.parse(
      '{"a":"1","b":["2","3"],"empty":"","none":[],"__proto__":"x","constructor":"y"}',
    ) as Record<string, string | string[]>
    const decoded = fromHeaderStruct(
      struct_message.decode(struct_message.encode(toHeaderStruct(headers))),
    )
    expect(Object.entries(decoded)).toEqual(Object.entries(headers))
    expect(Object.getPrototypeOf(decoded)).toBeNull()
  })

  it('refuses headers that are not text, in both directions', () => {
    const wrong = { a: [1] } as unknown as Record<string, string>
    expect(() => toHeaderStruct(wrong)).toThrow('header a')
    expect(() => toHeaderStruct({ b: null } as unknown as Record<string, string>)).toThrow(
      'header b',
    )
    expect(() => fromHeaderStruct({ fields: { c: toValue(5) } })).toThrow('header c')
  })
})

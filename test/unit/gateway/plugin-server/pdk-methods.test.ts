import { describe, expect, it } from '@jest/globals'
import { pdk_methods } from '../../../../gateway/plugin-server/pdk-methods.ts'

const { argument: headers } = pdk_methods['kong.service.request.set_headers']

describe('headers for Kong', () => {
  it('are encoded once when nobody can change them any more, and hold on to no memory but their own', () => {
    const fixed = Object.freeze({ 'x-user-id': 'usr_alice' })
    const encoded = headers.encode(fixed)
    expect(headers.encode(fixed)).toBe(encoded)
    expect(encoded.buffer.byteLength).toBe(encoded.length)
    expect(headers.decode(encoded)).toEqual(fixed)
  })

  it.each([
    ['can be changed', { 'x-user-id': 'usr_alice' }],
    ['hold a list that can', Object.freeze({ 'set-cookie': ['a=1', 'b=2'] })],
  ])('are encoded anew when they %s', (_, changing) => {
    const encoded = headers.encode(changing)
    expect(headers.encode(changing)).not.toBe(encoded)
    expect(headers.decode(encoded)).toEqual(changing)
  })
})

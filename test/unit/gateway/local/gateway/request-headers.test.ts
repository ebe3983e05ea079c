import { describe, expect, it } from '@jest/globals'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'
import {
  getRequestHeader,
  getRequestHeaders,
  repeatedHeader,
} from '../../../../../gateway/local/gateway/request-headers.ts'

const filler = Array.from({ length: 100 }, (_, n) => [`X-Filler-${n}`, 'x']).flat()

describe('kong.request.get_header', () => {
  it.each([
    ['X-User-Id', 'x-user-id'],
    ['X_User_Id', 'x-user-id'],
    ['x-user-id', 'X_USER_ID'],
  ])('G02 reads %s as %s', (sent, asked) => {
    expect(getRequestHeader(new HeaderLines([sent, 'a']), asked)).toBe('a')
  })

  it('gives the first of several lines', () => {
    expect(getRequestHeader(new HeaderLines(['A', '1', 'a', '2']), 'a')).toBe('1')
  })

  it('gives a list in one line whole', () => {
    expect(getRequestHeader(new HeaderLines(['Accept', 'a/b, c/d']), 'accept')).toBe('a/b, c/d')
  })

  it('does not find several values behind the first hundred headers', () => {
    expect(getRequestHeader(new HeaderLines([...filler, 'A', '1, 2']), 'a')).toBeUndefined()
  })

  it('finds one value behind the first hundred headers', () => {
    expect(getRequestHeader(new HeaderLines([...filler, 'A', '1']), 'a')).toBe('1')
  })

  it('gives nothing for what is not there', () => {
    expect(getRequestHeader(new HeaderLines(['A', '1']), 'b')).toBeUndefined()
  })
})

describe('kong.request.get_headers', () => {
  it('gives lower-case names, a string for one value, a list for several', () => {
    const headers = new HeaderLines(['A', '1', 'B', '2', 'a', '3', 'A', '4', 'X_y', '5'])
    expect(getRequestHeaders(headers, 1000)).toEqual({ a: ['1', '3', '4'], b: '2', x_y: '5' })
  })

  it('stops at the limit', () => {
    expect(
      Object.keys(getRequestHeaders(new HeaderLines([...filler, 'A', '1']), 100)),
    ).toHaveLength(100)
  })
})

describe('header lines', () => {
  it('are replaced where the first of them stood', () => {
    const headers = new HeaderLines(['A', '1', 'B', '2', 'a', '3'])
    headers.set('a', ['4', '5'])
    expect(headers.raw).toEqual(['a', '4', 'a', '5', 'B', '2'])
  })

  it('G02 tell _ and - apart', () => {
    const headers = new HeaderLines(['X_A', '1', 'X-A', '2'])
    headers.clear('x-a')
    expect(headers.raw).toEqual(['X_A', '1'])
  })

  it.each(['Authorization', 'Host', 'content-length'])('may not repeat %s', name => {
    expect(repeatedHeader(new HeaderLines([name, '1', name.toUpperCase(), '2']))).toBe(
      name.toLowerCase(),
    )
  })

  it('may repeat others', () => {
    expect(repeatedHeader(new HeaderLines(['Accept', '1', 'Accept', '2']))).toBeUndefined()
  })
})

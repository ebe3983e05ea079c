import { describe, expect, it } from '@jest/globals'
import {
  escapePath,
  normalizePath,
  parseTarget,
} from '../../../../../gateway/local/gateway/request-target.ts'

describe('the normal form of a path', () => {
  it.each([
    ['/mcp', '/mcp'],
    ['//mcp', '/mcp'],
    ['/mcp//', '/mcp/'],
    ['/./mcp/.', '/mcp/'],
    ['/mcp/..', '/'],
    ['/mcp/../x', '/x'],
    ['/a/../mcp', '/mcp'],
    ['/%2e%2e/mcp', '/mcp'],
    ['/m%63p', '/mcp'],
    ['/mcp%2f', '/mcp%2F'],
    ['/a%2f..%2Fmcp', '/a%2F..%2Fmcp'],
    ['/%C3%B8%20b', '/\u00c3\u00b8 b'],
    ['/%25%32%66', '/%252f'],
    ['/', '/'],
    ['/...', '/...'],
  ])('G04 of %s is %s', (path, normal) => {
    expect(normalizePath(path)).toBe(normal)
  })

  it('is encoded again for the upstream, reserved characters left as they were', () => {
    expect(escapePath('/\u00c3\u00b8 b%2F(c);d@e~"')).toBe('/%C3%B8%20b%2F(c);d@e~%22')
  })
})

describe('a request target', () => {
  it('is split at the first question mark', () => {
    expect(parseTarget('/a//b?x=1?&y')).toEqual({
      raw: '/a//b?x=1?&y',
      raw_path: '/a//b',
      path: '/a/b',
      query: 'x=1?&y',
    })
  })

  it('may be in absolute form', () => {
    expect(parseTarget('http://evil.example/mcp?x')).toMatchObject({ raw: '/mcp?x', path: '/mcp' })
  })

  it.each([
    '*',
    'mcp',
    '',
    'http://evil.example',
    '/%',
    '/%2',
    '/%zz',
    '/mcp%00',
    '/..',
    '/a/../..',
  ])('G04 is a bad request when it is %p', target => {
    expect(parseTarget(target)).toBeUndefined()
  })
})

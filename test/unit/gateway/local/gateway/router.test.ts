import { describe, expect, it } from '@jest/globals'
import type { Route } from '../../../../../gateway/local/gateway/configuration.ts'
import { normalizePath } from '../../../../../gateway/local/gateway/request-target.ts'
import { createRouter } from '../../../../../gateway/local/gateway/router.ts'

const service = {
  name: 'up',
  protocol: 'http' as const,
  host: '127.0.0.1',
  port: 80,
  path: undefined,
  connect_timeout: 1,
  read_timeout: 1,
}

function route(name: string, given: Partial<Route>): Route {
  return {
    name,
    paths: undefined,
    methods: undefined,
    hosts: undefined,
    regex_priority: 0,
    strip_path: true,
    preserve_host: false,
    service,
    plugins: [],
    ...given,
  }
}

function find(routes: readonly Route[], path: string, method = 'GET', host = 'gw.example:8000') {
  return createRouter(routes)({ method, host, path: normalizePath(path) })
}

describe('which route a path takes', () => {
  const routes = [
    route('mcp', { paths: ['~/mcp/?$'], strip_path: false }),
    route('oauth', { paths: ['/.well-known/', '/token', '/callback/'], strip_path: false }),
  ]
  it.each([
    ['/mcp', 'mcp', '/mcp'],
    ['/mcp/', 'mcp', '/mcp/'],
    ['//mcp', 'mcp', '/mcp'],
    ['//mcp//', 'mcp', '/mcp/'],
    ['/%6dcp', 'mcp', '/mcp'],
    ['/x/../mcp', 'mcp', '/mcp'],
    ['/mcp/./', 'mcp', '/mcp/'],
    ['/token', 'oauth', '/token'],
    ['/token/more', 'oauth', '/token/more'],
    ['/.well-known/a%2fb', 'oauth', '/.well-known/a%2Fb'],
  ])('G04 %s goes to %s as %s', (path, name, upstream_path) => {
    const match = find(routes, path)
    expect([match?.route.name, match?.upstream_path]).toEqual([name, upstream_path])
  })

  it.each([
    '/mcp%2f',
    '/MCP',
    '/mcp/..',
    '/mcp/../x',
    '/mcpx',
    '/mcp/x',
    '/mcp%0a',
    '/mcp;a=b',
    '/mcp%3f',
    '/x/mcp',
    '/.well-known',
    '/',
  ])('G04 %s goes nowhere', path => {
    expect(find(routes, path)).toBeUndefined()
  })
})

describe('which of several routes', () => {
  it.each<[string, Route[], string]>([
    ['the longer prefix', [route('a', { paths: ['/a'] }), route('b', { paths: ['/a/b'] })], 'b'],
    [
      'a regular expression over a longer prefix',
      [route('a', { paths: ['/a/b/c'] }), route('b', { paths: ['~/a'] })],
      'b',
    ],
    [
      'the higher regex_priority',
      [route('a', { paths: ['~/a'] }), route('b', { paths: ['~/a/b'], regex_priority: 1 })],
      'b',
    ],
    [
      'the one that also names the method',
      [route('a', { paths: ['/a/b/c'] }), route('b', { paths: ['/a'], methods: ['GET'] })],
      'b',
    ],
    [
      'a plain host over a wildcard',
      [
        route('a', { paths: ['/a/b/c'], hosts: ['*.example'] }),
        route('b', { paths: ['/a'], hosts: ['GW.example'] }),
      ],
      'b',
    ],
    ['the first of equals', [route('a', { paths: ['/a'] }), route('b', { paths: ['/a'] })], 'a'],
    [
      'the one whose method fits',
      [route('a', { paths: ['/a'], methods: ['POST'] }), route('b', { paths: ['/a'] })],
      'b',
    ],
    [
      'the one whose host fits',
      [route('a', { hosts: ['other.example'] }), route('b', { hosts: ['mcp.example', 'gw.*'] })],
      'b',
    ],
  ])('%s', (_, routes, name) => {
    expect(find(routes, '/a/b/c')?.route.name).toBe(name)
  })

  it('does not match a host that is another', () => {
    expect(find([route('a', { hosts: ['*.gw.example'] })], '/')).toBeUndefined()
  })
})

describe('the path asked upstream', () => {
  it.each([
    [undefined, true, '/a/b', '/b', '/a'],
    [undefined, true, '/a', '/', '/a'],
    [undefined, false, '/a/b', '/a/b', undefined],
    ['/base', true, '/a/b', '/base/b', '/a'],
    ['/base', true, '/a', '/base', '/a'],
    ['/base', true, '/a/', '/base/', '/a'],
    ['/base/', true, '/a', '/base', '/a'],
    ['/base/', true, '/ab', '/base/b', '/a'],
    ['/base', true, '/a..', '/base', '/a'],
    ['/base', false, '/a/b', '/base/a/b', undefined],
    ['/base/', false, '/a/b', '/base/a/b', undefined],
  ])(
    'of service path %s, strip_path %s, for %s is %s',
    (path, strip_path, asked, upstream, prefix) => {
      const match = find(
        [route('a', { paths: ['/a'], strip_path, service: { ...service, path } })],
        asked,
      )
      expect([match?.upstream_path, match?.prefix]).toEqual([upstream, prefix])
    },
  )
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import {
  ConfigurationError,
  loadConfiguration,
} from '../../../../../gateway/local/gateway/configuration.ts'
import { parseDump } from '../../../../../gateway/local/gateway/external-plugin.ts'
import { kongFields } from '../../../../../plugins/mcp-oidc/kong-schema.ts'
import { fields } from '../../../../../plugins/mcp-oidc/schema.ts'

function dump(name: string, members: readonly unknown[]): string {
  const config = { type: 'record', fields: members }
  const plugin = { Name: name, Priority: 1050, Schema: { name, fields: [{ config }] } }
  return JSON.stringify({ Protocol: 'ProtoBuf:1', Plugins: [plugin] })
}

const external_plugin = parseDump(
  dump('door', [
    { mode: { type: 'string', required: true, one_of: ['in', 'out'] } },
    { ttl: { type: 'integer', default: 60, between: [1, 600] } },
    { secret: { type: 'string', referenceable: true } },
    {
      providers: {
        type: 'array',
        elements: {
          type: 'record',
          fields: [
            { id: { type: 'string', required: true } },
            { key: { type: 'string', referenceable: true } },
          ],
        },
      },
    },
  ]),
)

function load(text: string, environment: Record<string, string> = {}) {
  return loadConfiguration(`_format_version: '3.0'\n${text}`, { environment, external_plugin })
}

function routes(...given: Parameters<typeof load>) {
  return load(...given).routes
}

function problems(text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    load(text, environment)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

describe('a configuration', () => {
  it('gives every route its plugins by priority, the nearest of a name', () => {
    const [mcp, oauth] = routes(
      `
_ignore:
  - &door { mode: in, secret: '{vault://env/the-secret}' }
plugins:
  - name: cors
  - name: correlation-id
  - { name: door, route: oauth, config: { mode: out } }
services:
  - name: upstream
    url: https://up.example/base
    plugins:
      - { name: post-function, config: { access: ['return'] } }
      - { name: cors, config: { max_age: 1 } }
      - { name: pre-function, enabled: false, config: { access: ['return'] } }
    routes:
      - name: mcp
        paths: [/mcp]
        plugins:
          - { name: door, config: { <<: *door, ttl: 5 } }
routes:
  - { name: oauth, paths: [~/oauth$], service: { name: upstream } }
`,
      { THE_SECRET: 's3cret' },
    )
    expect(mcp?.plugins.map(({ name }) => name)).toEqual([
      'correlation-id',
      'cors',
      'door',
      'post-function',
    ])
    expect(mcp?.plugins[2]).toMatchObject({ config: { mode: 'in', ttl: 5, secret: 's3cret' } })
    expect(mcp?.service).toMatchObject({
      protocol: 'https',
      host: 'up.example',
      port: 443,
      path: '/base',
    })
    expect(mcp).toMatchObject({ strip_path: true, preserve_host: false })
    expect(oauth?.plugins[2]).toMatchObject({ config: { mode: 'out', ttl: 60 } })
    expect(oauth?.service).toBe(mcp?.service)
  })

  it('leaves out the routes of a disabled service', () => {
    expect(routes('services: [{ host: a, enabled: false, routes: [{ paths: [/a] }] }]')).toEqual([])
  })

  it('resolves references inside lists', () => {
    const [route] = routes(
      "routes: [{ paths: [/a], plugins: [{ name: door, config: { mode: in, providers: [{ id: a, key: '{vault://env/a-key}' }] } }] }]",
      { A_KEY: 'k' },
    )
    expect(route?.plugins[0]).toMatchObject({ config: { providers: [{ id: 'a', key: 'k' }] } })
  })

  it('G07 is the one this project ships: addresses are counted before anybody is let in', () => {
    const before = ['pre-function', 'correlation-id', 'cors', 'ip-rate-limiting']
    const admitted = ['request-size-limiting', 'rate-limiting', 'org-rate-limiting']
    const always = ['response-transformer', 'prometheus', 'file-log']
    const environment = Object.fromEntries(
      [
        'GATEWAY_URL',
        'DATABASE_URL',
        'SIGNING_KEYS',
        'STORAGE_KEYS',
        'COOKIE_KEYS',
        'DEV_IDP_CLIENT_SECRET',
        'CONSOLE_CLIENT_SECRET',
      ].map(name => [name, name]),
    )
    const plugin = parseDump(dump('mcp-oidc', kongFields(fields)))
    const text = readFileSync('config/kong.yml', 'utf8')
    const { routes } = loadConfiguration(text, { environment, external_plugin: plugin })
    expect(routes.map(({ name, plugins }) => [name, plugins.map(each => each.name)])).toEqual([
      ['mcp', [...before, 'mcp-oidc', ...admitted, ...always, 'post-function']],
      ['console', [...before.filter(name => name !== 'cors'), 'request-size-limiting', ...always]],
      ['oauth', [...before, 'mcp-oidc', ...always]],
      ['register', [...before, 'mcp-oidc', ...always]],
    ])
    expect(routes[0]?.plugins[before.length]).toMatchObject({
      config: { serve: 'resource', issuer: 'GATEWAY_URL' },
    })
  })
})

describe('a configuration that will not start', () => {
  it('names everything that is wrong with it at once', () => {
    expect(
      problems(`
consumers: []
plugins:
  - { name: cors, service: nowhere, config: { origin: ['*'], origins: ['('] } }
  - { name: acl, config: { minute: 5 } }
services:
  - name: a
    url: ftp://up.example
    read_timeout: 0
    routes:
      - { name: r, paths: ['~/mcp(', mcp, /a/../b, '~/(?=a)', //b], method: [GET] }
      - { name: r, methods: [FETCH], protocols: [https] }
  - { name: a, host: h, url: 'http://h' }
  - { name: b }
routes:
  - name: top
    service: missing
    plugins:
      - name: door
        config: { mode: up, ttl: 0, secret: '{vault://env/un-set}', colour: red, providers: [{ key: 1 }] }
      - { name: door, config: { mode: '{vault://env/mode}', secret: '{vault://aws/x}', providers: {} } }
      - { name: correlation-id, config: { generator: tracker } }
      - { name: pre-function, config: { log: ['return'] } }
`).toSorted(),
    ).toEqual(
      [
        'consumers: the local gateway knows no such field',
        'plugins[0].config.origin: the local gateway knows no such field',
        'plugins[0].config.origins[0]: is no regular expression',
        "plugins[0].service: there is no service 'nowhere'",
        "plugins[1].name: the local gateway does not know the plugin 'acl'; it knows correlation-id, cors, door, file-log, http-log, ip-rate-limiting, org-rate-limiting, post-function, pre-function, prometheus, rate-limiting, request-size-limiting, response-transformer, tool-rate-limiting; run Kong for it",
        'services[0].read_timeout: Too small: expected number to be >=1',
        'services[0].routes[0].paths[0]: is no regular expression: Invalid regular expression: /^/mcp(/u: Unterminated group',
        'services[0].url: is no http or https URL of an upstream',
        "services[0].routes[0].paths[1]: must start with '/' (prefix) or '~/' (regular expression)",
        "services[0].routes[0].paths[2]: is not normalised, use '/b'",
        "services[0].routes[0].paths[3]: Kong's router has no look-around and no back-references",
        'services[0].routes[0].paths[4]: must not have empty segments',
        'services[0].routes[0].method: the local gateway knows no such field',
        'services[0].routes[1].methods[0]: Invalid option: expected one of "GET"|"HEAD"|"PUT"|"PATCH"|"POST"|"DELETE"|"OPTIONS"|"TRACE"|"CONNECT"',
        'services[0].routes[1].protocols: the local gateway serves every route over http too',
        'services[1]: takes a url, or protocol, host, port and path, not both',
        'services[2]: needs a url or a host',
        "routes[0].service: there is no service 'missing'",
        'routes[0].plugins[0].config.mode: expected one of: in, out',
        'routes[0].plugins[0].config.ttl: value should be between 1 and 600',
        'routes[0].plugins[0].config.secret: the environment variable UN_SET is not set',
        'routes[0].plugins[0].config.colour: unknown field',
        'routes[0].plugins[0].config.providers[0].id: required field missing',
        'routes[0].plugins[0].config.providers[0].key: expected a string',
        'routes[0].plugins[1].config.mode: Kong resolves no reference here, the field is not referenceable',
        'routes[0].plugins[1].config.secret: the local gateway resolves {vault://env/name-of-it} only',
        'routes[0].plugins[1].config.providers: expected a list',
        'routes[0].plugins[2].config.generator: the local gateway generates uuid and uuid#counter',
        'routes[0].plugins[3].config.access: Invalid input: expected array, received undefined',
        "routes[0]: plugin 'door' is set twice",
        "two services are named 'a'",
        "two routes are named 'r'",
      ].toSorted(),
    )
  })

  it.each([
    ['broken YAML', 'services: [', 'Flow sequence in block collection'],
    ['a repeated key', 'routes: []\nroutes: []', 'Map keys must be unique'],
    ['an unknown anchor', 'routes: *nothing', 'nothing'],
    ['a merge of no mapping', 'routes:\n  - <<: 1', 'Merge'],
    ['a service that is a list', 'services: [[]]', 'services[0]: Invalid input'],
    ['a file that is a list', '- a', ''],
    ['a route for everything', 'routes: [{ name: r }]', 'routes[0]: needs paths, methods or hosts'],
    ['one of a service', 'services: [{ host: a, routes: [{}] }]', 'services[0].routes[0]: needs'],
  ])('for %s', (_, text, part) => {
    expect(problems(text).join('\n')).toContain(part)
    expect(problems(text)).not.toEqual([])
  })

  it.each([
    ["_format_version: '2.1'", "_format_version: the local gateway reads format '3.0' (in quotes)"],
    ['', 'the file: Invalid input: expected object, received null'],
  ])('for %p as the whole file', (text, problem) => {
    expect(() => loadConfiguration(text, { environment: {}, external_plugin })).toThrow(problem)
  })
})

describe('the description of a plugin', () => {
  it.each([
    ['no JSON', 'x'],
    ['another protocol', '{"Protocol":"MsgPack:1","Plugins":[]}'],
    ['no plugin', '{"Protocol":"ProtoBuf:1","Plugins":[]}'],
    [
      'no config',
      '{"Protocol":"ProtoBuf:1","Plugins":[{"Name":"a","Priority":1,"Schema":{"fields":[]}}]}',
    ],
  ])('is refused for %s', (_, json) => {
    expect(() => parseDump(json)).toThrow()
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parsePolicy, PolicyError } from '../../../../mcp-server/permissions/parse-policy.ts'
import { tools } from '../../../../mcp-server/tools/tools.ts'

const offered = [
  { name: 'read', arguments: ['id'] },
  { name: 'write', arguments: ['id', 'draft'] },
]
const rest = 'tools: {read: {everyone: true}, write: {permission: w}}'

function problemsOf(yaml: string): readonly string[] {
  try {
    parsePolicy(yaml, offered)
  } catch (error) {
    if (error instanceof PolicyError) return error.problems
    throw error
  }
  throw new Error('was accepted')
}

describe('M02 config/permissions.yml', () => {
  it('as it is shipped names every tool of the server', () => {
    const file = new URL('../../../../config/permissions.yml', import.meta.url)
    const policy = parsePolicy(readFileSync(file, 'utf8'), tools)
    expect([...policy.tools.keys()]).toEqual(tools.map(({ name }) => name))
    expect(policy.roles.get('viewer')).toEqual(new Set(['companies:read', 'lists:read']))
  })

  it('is read whole', () => {
    const policy = parsePolicy(
      `
      roles: {clerk: [w], constructor: [x]}
      organizations: {acme: []}
      tools:
        read: {everyone: true, scope: mcp:read}
        write:
          permission: w
          when: [{argument: draft, equals: false, permission: publish, scope: mcp:publish}]`,
      offered,
    )
    expect(policy.roles).toEqual(
      new Map([
        ['clerk', new Set(['w'])],
        ['constructor', new Set(['x'])],
      ]),
    )
    expect(policy.organizations.get('acme')).toEqual(new Set())
    expect(policy.tools.get('write')?.when).toEqual([
      { argument: 'draft', equals: [false], permission: 'publish', scope: 'mcp:publish' },
    ])
  })

  it.each([
    ['', /^the file: /],
    ['roles: {}', /^tools: must map every tool/],
    ['- a', /^the file: /],
    ['tools: [', /./],
    [`roles: {a: [x], a: [y]}\n${rest}`, /unique/],
    [`roles: {a: admin}\n${rest}`, /^roles.a: must be a list of permissions/],
    [`roles: {a: ['a b']}\n${rest}`, /^roles.a.0: is not a permission/],
    [`role: {a: [x]}\n${rest}`, /"role"/],
    [`organizations: {acme: all}\n${rest}`, /^organizations.acme: must be a list/],
    ['tools: {read: {everyone: true}}', /^tools.write: is missing/],
    [`${rest.slice(0, -1)}, delete: {permission: d}}`, /^tools.delete: there is no such tool/],
    ['tools: {read: {}, write: {permission: w}}', /^tools.read: needs either a permission or/],
    [
      'tools: {read: {everyone: true, permission: r}, write: {permission: w}}',
      /^tools.read: needs either/,
    ],
    [
      'tools: {read: {everyone: false}, write: {permission: w}}',
      /^tools.read.everyone: is true or left out/,
    ],
    ['tools: {read: {permision: r}, write: {permission: w}}', /permision/],
    [
      'tools: {read: {everyone: true, scope: "a b"}, write: {permission: w}}',
      /^tools.read.scope: is not a scope/,
    ],
    [
      'tools: {read: {everyone: true, when: [{argument: id}]}, write: {permission: w}}',
      /asks for nothing/,
    ],
    [
      'tools: {read: {everyone: true, when: [{argument: ide, permission: p}]}, write: {permission: w}}',
      /^tools.read.when: read has no argument "ide"/,
    ],
  ])('is refused, and says why: %s', (yaml, problem) => {
    expect(problemsOf(yaml).join('\n')).toMatch(problem)
  })

  it('is refused with every problem at once', () => {
    expect(problemsOf('roles: {a: 1, b: ["!"]}\ntools: {}').length).toBeGreaterThanOrEqual(2)
    expect(problemsOf('tools: {a: {permission: x}, b: {permission: x}}')).toHaveLength(4)
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { judge } from '../../../../mcp-server/permissions/judge.ts'
import { permissionsOfRoles } from '../../../../mcp-server/permissions/permission-source.ts'
import type { Condition, Policy, ToolRule } from '../../../../mcp-server/permissions/policy.ts'

const none: ReadonlySet<string> = new Set()
const rule = (when: readonly Condition[] = []): ToolRule => ({ permission: 'p', scope: 's', when })

describe('M02 what a call lacks', () => {
  const when: Condition[] = [
    { argument: 'draft', equals: [false], permission: 'publish' },
    { argument: 'name', permission: 'create', scope: 'mcp:create' },
  ]
  const all = { permissions: new Set(['p']), scopes: new Set(['s']) }

  it.each<[string, Record<string, unknown> | undefined, string[], string[]]>([
    ['nothing about the arguments', undefined, [], []],
    ['arguments without a condition', { id: 1 }, [], []],
    ['another value', { draft: true }, [], []],
    ['the value', { draft: false }, ['publish'], []],
    ['the value as a text', { draft: 'false' }, [], []],
    ['an argument that is there', { name: '' }, ['create'], ['mcp:create']],
    ['an argument that is null', { name: null }, ['create'], ['mcp:create']],
    ['one that is undefined', { name: undefined }, [], []],
    ['both', { name: 'x', draft: false }, ['publish', 'create'], ['mcp:create']],
    ['the value in a list', { draft: [true, false] }, ['publish'], []],
  ])('with %s', (_name, input, permissions, scopes) => {
    expect(judge(rule(when), all, input)).toEqual({ permissions, scopes })
  })

  it('is everything the rule names when the caller has nothing', () => {
    expect(judge(rule(), { permissions: none, scopes: none })).toEqual({
      permissions: ['p'],
      scopes: ['s'],
    })
  })

  it('never shrinks when less is granted', () => {
    const names = fc.constantFrom('a', 'b', 'c')
    const needs = { permission: fc.option(names, { nil: undefined }), scope: names }
    const condition = fc.record({ argument: names, ...needs })
    const anyRule = fc.record({ ...needs, when: fc.array(condition, { maxLength: 3 }) })
    const grants = fc.record({ permissions: fc.array(names), scopes: fc.array(names) })
    const input = fc.dictionary(names, fc.boolean())
    fc.assert(
      fc.property(anyRule, grants, input, (one, { permissions, scopes }, args) => {
        const more = judge(
          one,
          { permissions: new Set(permissions), scopes: new Set(scopes) },
          args,
        )
        const less = judge(one, { permissions: none, scopes: none }, args)
        for (const kind of ['permissions', 'scopes'] as const) {
          const held: readonly string[] = kind === 'permissions' ? permissions : scopes
          expect(more[kind]).toEqual(less[kind].filter(name => !held.includes(name)))
        }
      }),
      { seed: 2, numRuns: 2_000 },
    )
  })
})

describe('M02 what roles give', () => {
  const policy: Policy = {
    roles: new Map([
      ['viewer', new Set(['read'])],
      ['clerk', new Set(['read', 'write'])],
    ]),
    organizations: new Map([['small', new Set(['read'])]]),
    tools: new Map(),
  }
  it.each([
    [['viewer'], 'acme', ['read']],
    [['viewer', 'clerk'], 'acme', ['read', 'write']],
    [['clerk'], 'small', ['read']],
    [['Viewer'], 'acme', []],
    [['constructor', '__proto__'], 'acme', []],
    [[], 'acme', []],
    [['viewer'], '__proto__', ['read']],
  ])('%j in %s: %j', (roles, org_id, permissions) => {
    expect(permissionsOfRoles(policy, { roles, org_id })).toEqual(new Set(permissions))
  })
})

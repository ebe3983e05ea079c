import { describe, expect, it } from '@jest/globals'
import { explain, type Question } from '../../../../mcp-server/permissions/explain.ts'
import type { Policy } from '../../../../mcp-server/permissions/policy.ts'

const policy: Policy = {
  roles: new Map([
    ['viewer', new Set(['read'])],
    ['clerk', new Set(['read', 'write', 'create'])],
  ]),
  organizations: new Map([['small', new Set(['read'])]]),
  tools: new Map([
    ['look', { when: [] }],
    [
      'add',
      {
        permission: 'write',
        scope: 'mcp:write',
        when: [{ argument: 'name', equals: ['a', 'b'], permission: 'create', scope: 'mcp:create' }],
      },
    ],
  ]),
}
const ask = (question: Partial<Question>) =>
  explain(policy, {
    ...{ tool: 'add', org_id: 'acme', roles: ['clerk'], scopes: undefined, input: undefined },
    ...question,
  })

describe('M02 why somebody may or may not call a tool', () => {
  it.each<[Partial<Question>, boolean, RegExp]>([
    [{}, true, /needs the permission write\..*gives: read, write, create/],
    [{ roles: ['viewer'] }, false, /Missing: the permission write/],
    [{ roles: ['viewer', 'clerk'] }, true, /viewer gives: read\..*clerk gives/],
    [{ roles: ['chief'] }, false, /chief is not in the policy and gives nothing.*Missing/],
    [{ roles: [] }, false, /There is no role/],
    [{ org_id: 'small' }, false, /small as a whole may do at most: read.*Missing/],
    [{ tool: 'look', roles: [] }, true, /needs no permission: everyone/],
    [{ tool: 'fly' }, false, /There is no tool fly/],
    [{}, true, /With the argument name a or b it needs create and the scope mcp:create too/],
    [{ input: { name: 'a' } }, true, /needs the permission write and create/],
    [{ input: { name: 'a' }, scopes: ['mcp:write'] }, false, /Missing: the scope mcp:create/],
    [{ input: { name: 'c' }, scopes: ['mcp:write'] }, true, /needs the permission write\./],
    [{ scopes: [] }, false, /Missing: the scope mcp:write/],
  ])('%j: %s', (question, allowed, why) => {
    const explanation = ask(question)
    expect(explanation.allowed).toBe(allowed)
    expect(explanation.because.join(' ')).toMatch(why)
  })
})

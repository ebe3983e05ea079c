import { describe, expect, it } from '@jest/globals'
import { toolRuleProblems } from '../../../../../plugins/mcp-oidc/config/tool-rule-problems.ts'
import { judgeTool, type ToolRules } from '../../../../../plugins/mcp-oidc/message/tool-rules.ts'

const rules: ToolRules = [
  { tool: 'find', scope: undefined, roles: undefined },
  { tool: 'write', scope: 'mcp:write', roles: ['clerk', 'admin'] },
]
const clerk = { user_id: 'usr_c', roles: ['clerk'], scope: 'openid mcp:write' }
const message = (method: string | undefined, name?: unknown) => ({
  id: 1,
  method,
  params: { name },
})

describe('G06 G07 what a call is counted as', () => {
  it.each([
    ['tools/call', 'find', 'usr_c/find'],
    ['tools/call', 'write', 'usr_c/write'],
    ['tools/call', 'Find', 'usr_c/*'],
    ['tools/call', 'constructor', 'usr_c/*'],
    ['tools/call', ['find'], 'usr_c/*'],
    ['tools/call', undefined, 'usr_c/*'],
    ['tools/list', 'find', 'usr_c/-'],
    [undefined, undefined, 'usr_c/-'],
  ])('%s of %j: %s', (method, name, counted_as) => {
    expect(judgeTool(rules, clerk, message(method, name))).toEqual({ refused: false, counted_as })
  })

  it('is counted without a message too', () => {
    expect(judgeTool(rules, clerk, undefined)).toMatchObject({ counted_as: 'usr_c/-' })
  })
})

describe('G06 what the rules refuse', () => {
  const write = message('tools/call', 'write')
  it.each<[Partial<typeof clerk>, object]>([
    [{ roles: ['viewer'] }, { refused: 'role', tool: 'write' }],
    [{ roles: [] }, { refused: 'role', tool: 'write' }],
    [{ scope: 'openid' }, { refused: 'scope', scope: 'mcp:write' }],
    [{ scope: 'mcp:writer' }, { refused: 'scope', scope: 'mcp:write' }],
    [
      { scope: '', roles: [] },
      { refused: 'role', tool: 'write' },
    ],
  ])('%j', (change, verdict) => {
    expect(judgeTool(rules, { ...clerk, ...change }, write)).toEqual(verdict)
  })
})

describe('O05 rules that are not right', () => {
  const scopes = [{ name: 'mcp:tools', description: 'x', default: true }]
  const rule = (change: object) => [{ tool: 'find', scope: undefined, roles: undefined, ...change }]
  it.each([
    [rule({ tool: 'a b' }), /tool_rules\.\[0\]\.tool: "a b" is not a tool's name/],
    [rule({ tool: '-' }), /is not a tool's name/],
    [rule({ tool: '*' }), /is not a tool's name/],
    [rule({ tool: 'x\ny' }), /is not a tool's name/],
    [[...rule({}), ...rule({})], /tool_rules\.\[1\]\.tool: "find" appears twice/],
    [rule({ scope: 'mcp:write' }), /scope: "mcp:write" is not among scopes/],
    [rule({ roles: [] }), /roles: is empty/],
  ])('%j', (tool_rules, problem) => {
    const problems = toolRuleProblems({ tool_rules, scopes })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(problem)
  })

  it('are none, or none at all', () => {
    expect(toolRuleProblems({ tool_rules: rule({ scope: 'mcp:tools' }), scopes })).toEqual([])
    expect(toolRuleProblems({ tool_rules: undefined, scopes })).toEqual([])
  })
})

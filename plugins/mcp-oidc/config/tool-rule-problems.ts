import type { Config } from '../schema.ts'

/** What is wrong with the rules of tools, as `setting: problem and remedy` lines. */
export function toolRuleProblems({
  tool_rules = [],
  scopes,
}: Pick<Config, 'tool_rules' | 'scopes'>): readonly string[] {
  const names = tool_rules.map(({ tool }) => tool)
  return tool_rules.flatMap(({ tool, scope, roles }, index) => {
    const at = `tool_rules.[${index}]`
    const found: string[] = []
    // It becomes a part of a header's value.
    if (!/^[A-Za-z0-9_./:-]{1,128}$/.test(tool) || tool === '-')
      found.push(`${at}.tool: "${tool}" is not a tool's name: letters, digits and _ . / : - only`)
    if (names.indexOf(tool) !== index) found.push(`${at}.tool: "${tool}" appears twice`)
    if (scope !== undefined && !scopes.some(({ name }) => name === scope))
      found.push(
        `${at}.scope: "${scope}" is not among scopes; add it there, or nobody can grant it`,
      )
    if (roles?.length === 0)
      found.push(`${at}.roles: is empty, so nobody could call ${tool}; leave it out for everyone`)
    return found
  })
}

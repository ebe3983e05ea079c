import type { Identity } from '../door/identity.ts'
import type { Settings } from '../config/settings.ts'
import type { Message } from './read-message.ts'

export type ToolRules = NonNullable<Settings['tool_rules']>

export type ToolVerdict =
  | { readonly refused: false; /** For X-Mcp-Tool. */ readonly counted_as: string }
  | { readonly refused: 'scope'; readonly scope: string }
  | { readonly refused: 'role'; readonly tool: string }

/**
 * What the rules say of a message. A tool that no rule names is the MCP server's own to judge. What
 * is counted holds the user, so that no value is another's, and only tools that a rule names: the
 * client does not choose how many counters there are.
 */
export function judgeTool(
  rules: ToolRules,
  identity: Pick<Identity, 'user_id' | 'roles' | 'scope'>,
  message: Message | undefined,
): ToolVerdict {
  const { user_id } = identity
  if (message?.method !== 'tools/call') return { refused: false, counted_as: `${user_id}/-` }
  const rule = rules.find(({ tool }) => tool === message.params.name)
  if (!rule) return { refused: false, counted_as: `${user_id}/*` }
  const { tool, roles, scope } = rule
  if (roles !== undefined && !roles.some(role => identity.roles.includes(role)))
    return { refused: 'role', tool }
  if (scope !== undefined && !identity.scope.split(' ').includes(scope))
    return { refused: 'scope', scope }
  return { refused: false, counted_as: `${user_id}/${tool}` }
}

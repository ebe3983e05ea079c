import type { Response as Reply } from 'express'
import type { Identity } from '../identity/identity.ts'
import type { Access } from '../permissions/access.ts'
import { ToolError } from '../tools/tool-error.ts'
import type { Tool } from '../tools/tool.ts'
import type { ToolCall } from './call-tool.ts'

/**
 * Scopes that this call needs and the token does not carry. None, also, for a call that is refused
 * whatever the token says: nobody is asked to grant what would not help.
 */
export function scopesToAskFor(
  access: Access,
  tool: Tool | undefined,
  call: ToolCall,
): readonly string[] {
  if (tool === undefined) return []
  const { permissions, scopes } = access.judge(tool.name, inputOf(tool, call))
  return permissions.length > 0 ? [] : scopes
}

/** What the tool would read; undefined when the arguments are not valid. */
function inputOf(tool: Tool, call: ToolCall) {
  try {
    return tool.prepare(call.arguments).input
  } catch (error) {
    if (error instanceof ToolError) return undefined
    throw error
  }
}

/**
 * 403 with everything the operation needs (RFC 6750 3.1, MCP authorization "Scope Challenge
 * Handling"): what was granted before is named too, or a client that asks for just the rest would
 * lose it.
 */
export function answerInsufficientScope(
  reply: Reply,
  identity: Pick<Identity, 'scope'>,
  missing: readonly string[],
  resource_metadata: string,
): void {
  const granted = identity.scope
    .split(' ')
    .filter(scope => scope !== '' && scope !== 'openid' && scope !== 'offline_access')
  const scope = [...new Set([...granted, ...missing])].join(' ')
  const error_description = 'The user has not granted what this call needs to the client.'
  reply
    .status(403)
    .set('cache-control', 'no-store')
    .set(
      'www-authenticate',
      `Bearer error="insufficient_scope", error_description="${error_description}", scope="${scope}", resource_metadata="${resource_metadata}"`,
    )
    .json({ error: 'insufficient_scope', error_description, scope })
}

import type { Identity } from '../identity/identity.ts'
import { ToolError } from '../tools/tool-error.ts'
import { judge, type Verdict } from './judge.ts'
import type { Policy } from './policy.ts'

/** What one caller may do with the tools, in one request. */
export interface Access {
  /** Whether the tool is listed for the caller: some call of it is allowed. */
  shows(tool: string): boolean
  /** What a call lacks. A tool without a rule lacks everything. */
  judge(tool: string, input?: Readonly<Record<string, unknown>>): Verdict
  /**
   * Throws the ToolError to answer with, unless nothing is lacking. Without `input` a missing scope
   * is let be: granting it may not help, which the arguments tell.
   */
  demand(tool: string, input?: Readonly<Record<string, unknown>>): void
}

/** `permissions`: what the caller may do in the product. */
export function accessOf(
  policy: Policy,
  identity: Pick<Identity, 'scope' | 'org_id' | 'roles'>,
  permissions: ReadonlySet<string>,
): Access {
  const grants = { permissions, scopes: new Set(identity.scope.split(' ')) }
  const verdictOn = (tool: string, input?: Readonly<Record<string, unknown>>): Verdict => {
    const rule = policy.tools.get(tool)
    return rule ? judge(rule, grants, input) : { permissions: [`use of ${tool}`], scopes: [] }
  }
  return {
    // A missing scope can be asked for, so the client is to see what it is for.
    shows: tool => verdictOn(tool).permissions.length === 0,
    judge: verdictOn,
    demand(tool, input) {
      const { permissions, scopes } = verdictOn(tool, input)
      if (permissions.length > 0)
        throw new ToolError('forbidden', forbidden(tool, permissions, identity))
      if (input && scopes.length > 0)
        throw new ToolError(
          'insufficient_scope',
          `This call of ${tool} needs the scope ${scopes.join(' ')}, which the user has not granted to this client. Connect again and ask for it.`,
        )
    },
  }
}

function forbidden(
  tool: string,
  permissions: readonly string[],
  { org_id, roles }: Pick<Identity, 'org_id' | 'roles'>,
): string {
  const who = roles.length === 0 ? 'no role' : `the role ${roles.slice(0, 10).join(', ')}`
  return (
    `This call of ${tool} is not allowed: it needs ${permissions.join(' and ')}, and the user has ` +
    `${who} in ${org_id}, which does not give that. Do not try again; the user can ask an administrator of the organization.`
  )
}

import { judge } from './judge.ts'
import { permissionsOfRoles } from './permission-source.ts'
import type { Policy, ToolRule } from './policy.ts'

export interface Question {
  readonly tool: string
  readonly org_id: string
  readonly roles: readonly string[]
  /** Granted to the client; undefined to leave scopes out of it. */
  readonly scopes: readonly string[] | undefined
  /** As the tool would read them; undefined for "whatever the arguments". */
  readonly input: Readonly<Record<string, unknown>> | undefined
}

export interface Explanation {
  readonly allowed: boolean
  /** A line each. */
  readonly because: readonly string[]
}

/** Why somebody may or may not call a tool of the policy, in words. */
export function explain(policy: Policy, question: Question): Explanation {
  const { tool, org_id, roles, input } = question
  const rule = policy.tools.get(tool)
  if (!rule) return { allowed: false, because: [`There is no tool ${tool}.`] }
  const held = permissionsOfRoles(policy, question)
  const needs = judge(rule, { permissions: new Set(), scopes: new Set() }, input)
  const scopes = new Set(question.scopes ?? needs.scopes)
  const missing = judge(rule, { permissions: held, scopes }, input)
  const most = policy.organizations.get(org_id)
  const because = [
    needs.permissions.length === 0
      ? `${tool} needs no permission: everyone may call it.`
      : `${tool} needs the permission ${needs.permissions.join(' and ')}.`,
    ...(input === undefined ? conditionLines(rule.when) : []),
    ...roles.map(role => roleLine(policy, role)),
    ...(roles.length === 0 ? ['There is no role, and so no permission.'] : []),
    ...(most ? [`${org_id} as a whole may do at most: ${listed(most)}.`] : []),
    ...missing.permissions.map(permission => `Missing: the permission ${permission}.`),
    ...missing.scopes.map(
      scope => `Missing: the scope ${scope}, which the client is told to ask the person for.`,
    ),
  ]
  return { allowed: missing.permissions.length + missing.scopes.length === 0, because }
}

function conditionLines(when: ToolRule['when']): readonly string[] {
  return when.map(
    ({ argument, equals, permission, scope }) =>
      `With the argument ${argument}${equals ? ` ${equals.join(' or ')}` : ''} it needs ${[permission, scope && `the scope ${scope}`].filter(Boolean).join(' and ')} too; name arguments to have that counted.`,
  )
}

function roleLine({ roles }: Policy, role: string): string {
  const gives = roles.get(role)
  return gives
    ? `The role ${role} gives: ${listed(gives)}.`
    : `The role ${role} is not in the policy and gives nothing.`
}

const listed = (names: ReadonlySet<string>) => [...names].join(', ') || 'nothing'

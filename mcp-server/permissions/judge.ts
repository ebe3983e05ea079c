import type { ToolRule } from './policy.ts'

/** What a caller brings: what they may do in the product, and what they let the client do. */
export interface Grants {
  readonly permissions: ReadonlySet<string>
  readonly scopes: ReadonlySet<string>
}

export interface Verdict {
  /** Permissions that the call needs and the caller does not have. */
  readonly permissions: readonly string[]
  /** Scopes that it needs and the token does not carry. */
  readonly scopes: readonly string[]
}

/**
 * What a call lacks: nothing, when both lists are empty. `input` is what the tool will read of the
 * arguments; without it the answer is about the tool, whatever the arguments.
 */
export function judge(
  rule: ToolRule,
  grants: Grants,
  input?: Readonly<Record<string, unknown>>,
): Verdict {
  const conditions = rule.when.filter(
    ({ argument, equals }) => input && applies(input[argument], equals),
  )
  const needs = [rule, ...conditions]
  return {
    permissions: lacking(
      needs.map(({ permission }) => permission),
      grants.permissions,
    ),
    scopes: lacking(
      needs.map(({ scope }) => scope),
      grants.scopes,
    ),
  }
}

/** A list applies as soon as one of its elements does. */
function applies(value: unknown, equals: readonly unknown[] | undefined): boolean {
  if (value === undefined) return false
  if (equals === undefined) return true
  return (Array.isArray(value) ? value : [value]).some(one => equals.includes(one))
}

function lacking(needed: readonly (string | undefined)[], held: ReadonlySet<string>): string[] {
  return [...new Set(needed)].filter(name => name !== undefined && !held.has(name)) as string[]
}

import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Policy } from './policy.ts'

/** A policy that cannot be used: every problem at once, each with where it stands and the remedy. */
export class PolicyError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The permissions are not usable:\n- ${problems.join('\n- ')}`)
    this.name = 'PolicyError'
    this.problems = problems
  }
}

const permission = z
  .string('must be the name of a permission, such as lists:write')
  .regex(/^[A-Za-z0-9][\w.:-]{0,99}$/, 'is not a permission: letters, digits and _ . : - only')
const permissions = z.array(permission, 'must be a list of permissions')
const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'is not a scope name (RFC 6749 3.3)')
const value = z.union([z.string(), z.number(), z.boolean()])

const Condition = z
  .strictObject({
    argument: z.string('must name an argument of the tool').min(1),
    equals: z
      .union([value, z.array(value).min(1)])
      .transform(one => (Array.isArray(one) ? one : [one]))
      .optional(),
    permission: permission.optional(),
    scope: scope.optional(),
  })
  .refine(needs => needs.permission !== undefined || needs.scope !== undefined, {
    error: 'asks for nothing: add a permission or a scope',
  })

const Rule = z
  .strictObject({
    everyone: z.literal(true, 'is true or left out').optional(),
    permission: permission.optional(),
    scope: scope.optional(),
    when: z.array(Condition).default([]),
  })
  .refine(rule => (rule.everyone === true) !== (rule.permission !== undefined), {
    error: 'needs either a permission or everyone: true',
  })

const File = z.strictObject({
  roles: z.record(z.string(), permissions, 'must map roles to lists of permissions').default({}),
  organizations: z
    .record(z.string(), permissions, 'must map organizations to lists of permissions')
    .default({}),
  tools: z.record(z.string(), Rule, 'must map every tool of the server to what it needs'),
})

/**
 * Reads config/permissions.yml for a server with these tools and their arguments.
 *
 * @throws PolicyError with every problem
 */
export function parsePolicy(
  yaml: string,
  tools: readonly { readonly name: string; readonly arguments: readonly string[] }[],
): Policy {
  const document = parseDocument(yaml)
  if (document.errors.length > 0)
    throw new PolicyError(document.errors.map(({ message }) => message.split('\n')[0] ?? message))
  const { data, error } = File.safeParse(document.toJS())
  if (data === undefined)
    throw new PolicyError(
      error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`),
    )
  const problems = toolProblems(data.tools, tools)
  if (problems.length > 0) throw new PolicyError(problems)
  return {
    roles: sets(data.roles),
    organizations: sets(data.organizations),
    tools: new Map(
      Object.entries(data.tools).map(([name, { permission, scope, when }]) => [
        name,
        { permission, scope, when },
      ]),
    ),
  }
}

function toolProblems(
  rules: z.output<typeof File>['tools'],
  tools: Parameters<typeof parsePolicy>[1],
): readonly string[] {
  const known = new Map(tools.map(tool => [tool.name, tool.arguments]))
  const without = [...known.keys()].filter(name => !Object.hasOwn(rules, name))
  return [
    ...without.map(name => `tools.${name}: is missing; say what this tool needs`),
    ...Object.entries(rules).flatMap(([name, { when }]) => {
      const names = known.get(name)
      if (names === undefined) return [`tools.${name}: there is no such tool on this server`]
      return when
        .filter(({ argument }) => !names.includes(argument))
        .map(({ argument }) => `tools.${name}.when: ${name} has no argument "${argument}"`)
    }),
  ]
}

function sets(lists: Readonly<Record<string, readonly string[]>>) {
  return new Map(Object.entries(lists).map(([name, list]) => [name, new Set(list)]))
}

import type { z } from 'zod'
import type { Problem } from './plugin-config.ts'
import { isReference, resolveReference } from './vault-reference.ts'
import type { Environment } from './vault-reference.ts'

/**
 * Reads the configuration of a plugin that is done here. References are resolved where Kong would:
 * in the fields that `referenceable` names, `*` standing for any member.
 */
export function readNativeConfig<S extends z.ZodType>(
  schema: S,
  given: unknown,
  referenceable: readonly string[],
  environment: Environment,
): { readonly config: z.output<S> } | { readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const resolve = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (isReference(value)) return replace(value, path)
    if (Array.isArray(value)) return value.map((each, index) => resolve(each, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, resolve(each, [...path, name])]),
    )
  }
  const replace = (reference: string, path: readonly PropertyKey[]): string => {
    const resolved = referenceable.some(field => isAt(field, path))
      ? resolveReference(reference, environment)
      : { problem: 'Kong resolves no reference here, the field is not referenceable' }
    if ('value' in resolved) return resolved.value
    problems.push({ path: ['config', ...path], message: resolved.problem })
    return reference
  }
  const parsed = schema.safeParse(resolve(given, []))
  // A field whose reference leads nowhere has its problem already.
  const known = new Set(problems.map(({ path }) => path.join('.')))
  for (const issue of parsed.error?.issues ?? []) {
    const path = ['config', ...issue.path]
    if (!known.has(path.join('.'))) problems.push({ ...issue, path })
  }
  if (parsed.success && problems.length === 0) return { config: parsed.data }
  return { problems }
}

function isAt(field: string, path: readonly PropertyKey[]): boolean {
  const names = field.split('.')
  return names.length === path.length && names.every((name, n) => name === '*' || name === path[n])
}

import { z } from 'zod'

const Operations = z.array(
  z.strictObject({
    op: z.enum(['add', 'replace', 'remove']),
    path: z.string().regex(/^(?:\/[^/]*)+$/),
    value: z.unknown(),
  }),
)

/** RFC 6902, the three operations that change a value. Throws when a path leads nowhere. */
export function patchObject<T extends object>(object: T, patch: unknown): T {
  const patched = structuredClone(object)
  for (const { op, path, value } of Operations.parse(patch)) {
    const keys = path
      .slice(1)
      .split('/')
      .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    let at: unknown = patched
    for (const key of keys) at = memberOf(at, key, path)
    if (Array.isArray(at)) {
      const index = last === '-' ? at.length : Number(last)
      if (op !== 'add') memberOf(at, last, path)
      at.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]))
    } else {
      if (op !== 'add') memberOf(at, last, path)
      const target = at as Record<string, unknown>
      if (op === 'remove') Reflect.deleteProperty(target, last)
      else target[last] = value
    }
  }
  return patched
}

function memberOf(value: unknown, key: string, path: string): unknown {
  if (typeof value !== 'object' || value === null || !(key in value))
    throw new Error(`the patch of ${path} leads nowhere: there is no ${key}`)
  return (value as Record<string, unknown>)[key]
}

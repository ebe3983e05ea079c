import { z } from 'zod'
import type { ConfigOf, Field, Fields } from '../kong-schema.ts'

/**
 * Reads a configuration as Kong hands it over against our fields. Kong adds members of its own
 * (`__plugin_id`, `$refs`, …) and leaves unset ones out or null; both are fine. Gives the values
 * with defaults filled in, or every problem as `setting: what is wrong`.
 */
export function validate<const F extends Fields>(
  fields: F,
  raw: unknown,
): { config: ConfigOf<F> } | { problems: readonly string[] } {
  const result = recordSchema(fields).safeParse(raw)
  // The schema is built from the same literal the type is computed from.
  if (result.success) return { config: result.data as ConfigOf<F> }
  return { problems: result.error.issues.map(issue => `${setting(issue.path)}: ${issue.message}`) }
}

function setting(path: readonly PropertyKey[]): string {
  return (
    path.map(part => (typeof part === 'number' ? `[${part}]` : String(part))).join('.') || 'config'
  )
}

function recordSchema(fields: Fields): z.ZodType {
  const shape = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)] as const)
  return z.object(Object.fromEntries(shape))
}

function fieldSchema(field: Field): z.ZodType {
  const fallback = 'default' in field ? field.default : undefined
  return z.preprocess(
    value => value ?? fallback,
    required(field) ? typeSchema(field) : typeSchema(field).optional(),
  )
}

function required(field: Field): boolean {
  return field.required === true || 'default' in field
}

function typeSchema(field: Field): z.ZodType {
  switch (field.type) {
    case 'string':
      return field.one_of
        ? z.enum(field.one_of)
        : z.string('is required, a text').min(1, 'must not be empty')
    case 'integer':
      return integerSchema(field.between)
    case 'boolean':
      return z.boolean('is required, true or false')
    case 'array':
      return z.array(fieldSchema({ ...field.elements, required: true }), 'is required, a list')
    case 'record':
      return recordSchema(field.fields)
  }
}

function integerSchema(between: readonly [number, number] | undefined): z.ZodType {
  const integer = z.int('is required, a whole number')
  if (!between) return integer
  const [least, most] = between
  const message = `must be from ${least} to ${most}`
  return integer.min(least, message).max(most, message)
}

import type { KongField } from './external-plugin.ts'
import { isReference, resolveReference } from './vault-reference.ts'
import type { Environment } from './vault-reference.ts'

export interface Problem {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Zod's, when several unknown fields are one problem. */
  readonly keys?: readonly string[]
}

type Path = readonly PropertyKey[]

/**
 * A plugin's configuration as Kong hands it to a plugin server: checked against the plugin's schema,
 * defaults filled in, `{vault://env/…}` resolved where the field is `referenceable`.
 */
export function readConfig(
  schema: KongField,
  given: unknown,
  environment: Environment,
):
  | { readonly config: Readonly<Record<string, unknown>> }
  | { readonly problems: readonly Problem[] } {
  const reader = new ConfigReader(environment)
  const config = reader.readRecord(schema, given, ['config'])
  return reader.problems.length > 0 ? { problems: reader.problems } : { config }
}

class ConfigReader {
  readonly problems: Problem[] = []
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  readRecord(field: KongField, value: unknown, path: Path): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#report(path, 'expected a record')
      return {}
    }
    const given = new Map<string, unknown>(Object.entries(value))
    const known = new Map((field.fields ?? []).flatMap(member => Object.entries(member)))
    for (const name of given.keys()) {
      if (!known.has(name)) this.#report([...path, name], 'unknown field')
    }
    const read = [...known].map(([name, member]) => [
      name,
      this.#read(member, given.get(name), [...path, name]),
    ])
    return Object.fromEntries(read) as Record<string, unknown>
  }

  #read(field: KongField, given: unknown, path: Path): unknown {
    const value = given ?? field.default
    if (value === undefined || value === null) {
      if (field.required) this.#report(path, 'required field missing')
      return undefined
    }
    if (isReference(value)) {
      return this.#resolve(field, value, path)
    }
    if (field.type === 'record') return this.readRecord(field, value, path)
    if (field.type === 'array' || field.type === 'set') return this.#readList(field, value, path)
    const problem = scalarProblem(field, value)
    if (problem !== undefined) this.#report(path, problem)
    return value
  }

  #readList(field: KongField, value: unknown, path: Path): unknown {
    const { elements } = field
    if (!Array.isArray(value)) this.#report(path, 'expected a list')
    else if (elements)
      return value.map((each, index) => this.#read(elements, each, [...path, index]))
    return value
  }

  #resolve(field: KongField, reference: string, path: Path): unknown {
    if (!field.referenceable) {
      this.#report(path, 'Kong resolves no reference here, the field is not referenceable')
      return undefined
    }
    const resolved = resolveReference(reference, this.#environment)
    if ('value' in resolved) return resolved.value
    this.#report(path, resolved.problem)
    return undefined
  }

  #report(path: Path, message: string): void {
    this.problems.push({ path, message })
  }
}

function scalarProblem(field: KongField, value: unknown): string | undefined {
  if (!hasType(field.type, value)) {
    return `expected ${/^[aeiou]/.test(field.type) ? 'an' : 'a'} ${field.type}`
  }
  if (field.one_of && !field.one_of.includes(value)) {
    return `expected one of: ${field.one_of.join(', ')}`
  }
  const [least, most] = field.between ?? [-Infinity, Infinity]
  const outside = typeof value === 'number' && (value < least || value > most)
  return outside ? `value should be between ${least} and ${most}` : undefined
}

function hasType(type: string, value: unknown): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === type
    case 'integer':
      return Number.isInteger(value)
    default:
      return true
  }
}

interface Described {
  /** Shown by Kong's schema endpoint and in docs/settings.md. */
  readonly description?: string
  readonly required?: boolean
  /**
   * The setting that decides what holds when this one is not given. Kong fills a `default` in before
   * we see the configuration, so such a field has none. Not a part of Kong's language.
   */
  readonly default_by?: string
}

interface StringField extends Described {
  readonly type: 'string'
  readonly default?: string
  readonly one_of?: readonly string[]
  /** Whether a `{vault://…}` reference is resolved by Kong. */
  readonly referenceable?: boolean
  readonly encrypted?: boolean
}

interface IntegerField extends Described {
  readonly type: 'integer'
  readonly default?: number
  readonly between?: readonly [number, number]
}

interface BooleanField extends Described {
  readonly type: 'boolean'
  readonly default?: boolean
}

interface ArrayField extends Described {
  readonly type: 'array'
  readonly elements: Field
  readonly default?: readonly unknown[]
}

interface RecordField extends Described {
  readonly type: 'record'
  readonly fields: Fields
}

/** Kong's schema language, the part we use. */
export type Field = StringField | IntegerField | BooleanField | ArrayField | RecordField
export interface Fields {
  readonly [name: string]: Field
}

type ValueOf<F> = F extends { type: 'string'; one_of: readonly (infer O)[] }
  ? O
  : F extends { type: 'string' }
    ? string
    : F extends { type: 'integer' }
      ? number
      : F extends { type: 'boolean' }
        ? boolean
        : F extends { type: 'array'; elements: infer E }
          ? readonly ValueOf<E>[]
          : F extends { type: 'record'; fields: infer R }
            ? ConfigOf<R>
            : never

type Given<F> = F extends { required: true } | { default: unknown }
  ? ValueOf<F>
  : ValueOf<F> | undefined

/** The type of a parsed configuration: what is required or has a default is always there. */
export type ConfigOf<R> = { readonly [K in keyof R]: Given<R[K]> }

/** The same fields in the shape Kong reads: a list of one-member objects, nested records alike. */
export function kongFields(fields: Fields): readonly Readonly<Record<string, unknown>>[] {
  return Object.entries(fields).map(([name, field]) => ({ [name]: kongField(field) }))
}

function kongField(field: Field): Readonly<Record<string, unknown>> {
  const kong = Object.fromEntries(Object.entries(field).filter(([name]) => name !== 'default_by'))
  if (field.type === 'record') return { ...kong, fields: kongFields(field.fields) }
  if (field.type === 'array') return { ...kong, elements: kongField(field.elements) }
  return kong
}

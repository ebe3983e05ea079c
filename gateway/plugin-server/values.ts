import type { Headers, HeaderValue, SharedValue } from './pdk.ts'

/** google.protobuf.Value: at most one member is set. */
export interface Value {
  /** Names the member that is set. */
  readonly kind?:
    'null_value' | 'number_value' | 'string_value' | 'bool_value' | 'struct_value' | 'list_value'
  readonly null_value?: number
  readonly number_value?: number
  readonly string_value?: string
  readonly bool_value?: boolean
  readonly struct_value?: Struct
  readonly list_value?: ListValue
}
/** google.protobuf.Struct */
export interface Struct {
  readonly fields: Readonly<Record<string, Value>>
}
/** google.protobuf.ListValue */
export interface ListValue {
  readonly values: readonly Value[]
}

/** @throws TypeError for what Kong has no value for (undefined, functions, NaN …). */
export function toValue(value: SharedValue): Value {
  if (value === null) return { null_value: 0 }
  if (typeof value === 'string') return { string_value: value }
  if (typeof value === 'boolean') return { bool_value: value }
  if (typeof value === 'number' && Number.isFinite(value)) return { number_value: value }
  if (isList(value)) return { list_value: toListValue(value) }
  if (typeof value === 'object') {
    return { struct_value: { fields: mapValues(value, toValue) } }
  }
  throw new TypeError(`Kong has no value for ${String(value)}`)
}

export function toListValue(values: readonly SharedValue[]): ListValue {
  return { values: values.map(toValue) }
}

/** A Value without any member is Kong's nil, as an explicit null is. */
export function fromValue(value: Value): SharedValue {
  switch (value.kind) {
    case 'string_value':
      return value.string_value ?? ''
    case 'number_value':
      return value.number_value ?? 0
    case 'bool_value':
      return value.bool_value ?? false
    case 'list_value':
      return fromListValue(value.list_value ?? { values: [] })
    case 'struct_value':
      return mapValues(value.struct_value?.fields ?? {}, fromValue)
    case 'null_value':
    case undefined:
      break
  }
  return null
}

export function fromListValue(list: ListValue): readonly SharedValue[] {
  return list.values.map(fromValue)
}

/** @throws TypeError when a value is neither a string nor a list of strings. */
export function toHeaderStruct(headers: Headers): Struct {
  return {
    fields: mapValues(headers, (value: HeaderValue, name) => {
      const strings: readonly unknown[] = typeof value === 'string' ? [value] : value
      if (!Array.isArray(strings) || !strings.every(item => typeof item === 'string')) {
        throw new TypeError(`header ${name} is neither a string nor a list of strings`)
      }
      return toValue(value)
    }),
  }
}

/** @throws TypeError when Kong (or a plugin) gave a header that is neither text nor a list of it. */
export function fromHeaderStruct(struct: Struct): Headers {
  return mapValues(struct.fields, (value, name): HeaderValue => {
    const plain = fromValue(value)
    if (typeof plain === 'string') return plain
    if (isList(plain) && plain.every(item => typeof item === 'string')) return plain
    throw new TypeError(`header ${name} is neither a string nor a list of strings`)
  })
}

function isList(value: SharedValue): value is readonly SharedValue[] {
  return Array.isArray(value)
}

/** Own members only, and none of them can become a prototype: names come from clients. */
function mapValues<A, B>(
  from: Readonly<Record<string, A>>,
  change: (value: A, name: string) => B,
): Record<string, B> {
  const result = Object.create(null) as Record<string, B>
  for (const [name, value] of Object.entries(from)) result[name] = change(value, name)
  return result
}

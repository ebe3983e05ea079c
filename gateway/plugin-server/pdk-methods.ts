import type { Headers, RawBody, SharedValue } from './pdk.ts'
import { message } from './protocol.ts'
import type { Message } from './protocol.ts'
import type { ListValue, Struct, Value } from './values.ts'
import {
  fromHeaderStruct,
  fromListValue,
  fromValue,
  toHeaderStruct,
  toListValue,
  toValue,
} from './values.ts'

/** The arguments of `kong.response.exit`. */
export interface Exit {
  readonly status: number
  readonly body: Uint8Array
  readonly headers: Headers
}
/** What Kong knows of the body: the two forms of {@link RawBody}, or why there is none. */
export type RawBodyResult = RawBody | { readonly error: string }

interface Method<A, R> {
  readonly argument: Message<A>
  readonly reply: Message<R>
}

const nothing = Buffer.alloc(0)
const string_message = message<{ v: string }>('kong_plugin_protocol.String')
const int_message = message<{ v: number }>('kong_plugin_protocol.Int')
const kv_message = message<{ k: string; v: Value | null }>('kong_plugin_protocol.KV')
const struct_message = message<Struct>('google.protobuf.Struct')
const list_message = message<ListValue>('google.protobuf.ListValue')
const value_message = message<Value>('google.protobuf.Value')
const exit_message = message<{ status: number; body: Uint8Array; headers: Struct | null }>(
  'kong_plugin_protocol.ExitArgs',
)
const body_message = message<{
  body?: 'content' | 'body_filepath' | 'error'
  content?: Uint8Array
  body_filepath?: string
  error?: string
}>('kong_plugin_protocol.RawBodyResult')

/** What is replied where there is nothing to say. */
export const empty: Message<void> = { encode: () => nothing, decode: () => undefined }
const string: Message<string> = {
  encode: v => string_message.encode({ v }),
  decode: bytes => string_message.decode(bytes).v,
}
/** Kong answers nothing at all, or an empty string, where there is no such header. */
const optional_string: Message<string | undefined> = {
  encode: v => (v === undefined ? nothing : string.encode(v)),
  decode: bytes => string.decode(bytes) || undefined,
}
const int: Message<number> = {
  encode: v => int_message.encode({ v }),
  decode: bytes => int_message.decode(bytes).v,
}
/** Of headers that nobody can change any more, by themselves. */
const encoded_headers = new WeakMap<Headers, Uint8Array>()
const headers: Message<Headers> = {
  encode(value) {
    const known = encoded_headers.get(value)
    if (known) return known
    const encoded = struct_message.encode(toHeaderStruct(value))
    if (!isFixed(value)) return encoded
    const kept = withoutPool(encoded)
    encoded_headers.set(value, kept)
    return kept
  },
  decode: bytes => fromHeaderStruct(struct_message.decode(bytes)),
}
/** A piece of Node's pool that is kept for long holds on to the 8 KiB that it was cut from. */
function withoutPool(bytes: Uint8Array): Uint8Array {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  own.set(bytes)
  return own
}
function isFixed(value: Headers): boolean {
  return Object.isFrozen(value) && Object.values(value).every(text => typeof text === 'string')
}

const list: Message<readonly SharedValue[]> = {
  encode: values => list_message.encode(toListValue(values)),
  decode: bytes => fromListValue(list_message.decode(bytes)),
}
const optional_value: Message<SharedValue | undefined> = {
  encode: value => (value === undefined ? nothing : value_message.encode(toValue(value))),
  decode: bytes => fromValue(value_message.decode(bytes)) ?? undefined,
}
const key_value: Message<readonly [key: string, value: SharedValue]> = {
  encode: ([k, value]) => kv_message.encode({ k, v: toValue(value) }),
  decode: bytes => {
    const { k, v } = kv_message.decode(bytes)
    return [k, fromValue(v ?? {})]
  },
}
const exit: Message<Exit> = {
  encode: ({ status, body, headers }) =>
    exit_message.encode({ status, body, headers: toHeaderStruct(headers) }),
  decode: bytes => {
    const { status, body, headers } = exit_message.decode(bytes)
    return { status, body, headers: fromHeaderStruct(headers ?? { fields: {} }) }
  },
}
const raw_body: Message<RawBodyResult> = {
  encode: value => body_message.encode({ ...value }),
  decode: bytes => {
    const { body, content, body_filepath, error } = body_message.decode(bytes)
    if (body === 'content') return { content: content ?? nothing }
    if (body === 'body_filepath') return { body_filepath: body_filepath ?? '' }
    return { error: error || 'Kong gave neither a body nor a reason' }
  },
}

const method = <A, R>(argument: Message<A>, reply: Message<R>): Method<A, R> => ({
  argument,
  reply,
})

/** Every PDK method this server calls, with the messages it takes and gives. */
export const pdk_methods = {
  'kong.request.get_method': method(empty, string),
  'kong.request.get_path': method(empty, string),
  'kong.request.get_path_with_query': method(empty, string),
  'kong.request.get_raw_query': method(empty, string),
  'kong.request.get_scheme': method(empty, string),
  'kong.request.get_host': method(empty, string),
  'kong.request.get_port': method(empty, int),
  'kong.request.get_forwarded_scheme': method(empty, string),
  'kong.request.get_forwarded_host': method(empty, string),
  'kong.request.get_forwarded_port': method(empty, int),
  'kong.request.get_header': method(string, optional_string),
  'kong.request.get_headers': method(int, headers),
  'kong.request.get_raw_body': method(empty, raw_body),
  'kong.client.get_ip': method(empty, string),
  'kong.client.get_forwarded_ip': method(empty, string),
  'kong.node.get_id': method(empty, string),
  'kong.response.exit': method(exit, empty),
  'kong.response.set_header': method(key_value, empty),
  'kong.response.set_headers': method(headers, empty),
  'kong.service.request.set_header': method(key_value, empty),
  'kong.service.request.set_headers': method(headers, empty),
  'kong.service.request.clear_header': method(string, empty),
  'kong.ctx.shared.set': method(key_value, empty),
  'kong.ctx.shared.get': method(string, optional_value),
  'kong.log.debug': method(list, empty),
  'kong.log.info': method(list, empty),
  'kong.log.notice': method(list, empty),
  'kong.log.warn': method(list, empty),
  'kong.log.err': method(list, empty),
  'kong.log.set_serialize_value': method(key_value, empty),
}

export type PdkMethods = typeof pdk_methods
export type PdkMethod = keyof PdkMethods
export type PdkArgument<M extends PdkMethod> = ReturnType<PdkMethods[M]['argument']['decode']>
export type PdkReply<M extends PdkMethod> = ReturnType<PdkMethods[M]['reply']['decode']>

import protobuf from 'protobufjs/light.js'
import type { Long, Type } from 'protobufjs/light.js'

/*
 * The messages of Kong's ProtoBuf:1 plugin protocol, with the numbers and types observed on Kong
 * 3.9.3. Google's well-known types are declared here because protobufjs' own versions carry
 * conversions that this protocol does not need.
 */
const field = (id: number, type: string) => ({ id, type })
const repeated = (id: number, type: string) => ({ id, type, rule: 'repeated' })
const instance = { fields: { instance_id: field(1, 'int32') } }
const single = (type: string) => ({ fields: { v: field(1, type) } })

const google = {
  Empty: { fields: {} },
  NullValue: { values: { NULL_VALUE: 0 } },
  Struct: { fields: { fields: { keyType: 'string', type: 'Value', id: 1 } } },
  ListValue: { fields: { values: repeated(1, 'Value') } },
  Value: {
    oneofs: {
      kind: {
        oneof: [
          'null_value',
          'number_value',
          'string_value',
          'bool_value',
          'struct_value',
          'list_value',
        ],
      },
    },
    fields: {
      null_value: field(1, 'NullValue'),
      number_value: field(2, 'double'),
      string_value: field(3, 'string'),
      bool_value: field(4, 'bool'),
      struct_value: field(5, 'Struct'),
      list_value: field(6, 'ListValue'),
    },
  },
}

const calls = {
  cmd_get_plugin_names: field(31, 'CmdGetPluginNames'),
  cmd_get_plugin_info: field(32, 'CmdGetPluginInfo'),
  cmd_start_instance: field(33, 'CmdStartInstance'),
  cmd_get_instance_status: field(34, 'CmdGetInstanceStatus'),
  cmd_close_instance: field(35, 'CmdCloseInstance'),
  cmd_handle_event: field(36, 'CmdHandleEvent'),
}
const returns = {
  plugin_names: field(31, 'PluginNames'),
  plugin_info: field(32, 'PluginInfo'),
  instance_status: field(33, 'InstanceStatus'),
}
const bodies = {
  content: field(1, 'bytes'),
  body_filepath: field(2, 'string'),
  error: field(3, 'string'),
}

const kong = {
  RpcCall: {
    oneofs: { call: { oneof: Object.keys(calls) } },
    fields: { sequence: field(1, 'int64'), ...calls },
  },
  RpcReturn: {
    oneofs: { return: { oneof: Object.keys(returns) } },
    fields: { sequence: field(1, 'int64'), ...returns },
  },
  CmdGetPluginNames: { fields: {} },
  CmdGetPluginInfo: { fields: { name: field(1, 'string') } },
  CmdStartInstance: { fields: { name: field(1, 'string'), config: field(2, 'bytes') } },
  CmdGetInstanceStatus: instance,
  CmdCloseInstance: instance,
  CmdHandleEvent: { fields: { instance_id: field(1, 'int32'), event_name: field(2, 'string') } },
  PluginNames: { fields: { names: repeated(1, 'string') } },
  PluginInfo: {
    fields: {
      name: field(1, 'string'),
      updated_at: field(2, 'int64'),
      loaded_at: field(3, 'int64'),
      phases: repeated(4, 'string'),
      version: field(5, 'string'),
      priority: field(6, 'int32'),
      schema: field(7, 'string'),
    },
  },
  InstanceStatus: {
    fields: {
      name: field(1, 'string'),
      instance_id: field(2, 'int32'),
      config: field(3, 'google.protobuf.Value'),
      started_at: field(4, 'int64'),
    },
  },
  String: single('string'),
  ByteString: single('bytes'),
  Bool: single('bool'),
  Int: single('int32'),
  Number: single('double'),
  KV: { fields: { k: field(1, 'string'), v: field(2, 'google.protobuf.Value') } },
  ExitArgs: {
    fields: {
      status: field(1, 'int32'),
      body: field(2, 'bytes'),
      headers: field(3, 'google.protobuf.Struct'),
    },
  },
  RawBodyResult: { oneofs: { body: { oneof: Object.keys(bodies) } }, fields: bodies },
}

const root = protobuf.Root.fromJSON({
  nested: {
    google: { nested: { protobuf: { nested: google } } },
    kong_plugin_protocol: { nested: kong },
  },
})

/** An int64 as decoded: exact, where a JavaScript number would round it. */
export type Int64 = Long | number

/** Whether two int64 are the same number, whichever way they are held. */
export function sameInt64(a: Int64, b: Int64): boolean {
  return toBigInt(a) === toBigInt(b)
}

function toBigInt(value: Int64): bigint {
  if (typeof value === 'number') return BigInt(value)
  return (BigInt(value.high) << 32n) | BigInt(value.low >>> 0)
}

/** One kind of message: its bytes, and the plain object it stands for. Absent members are undefined. */
export interface Message<T> {
  encode(value: T): Uint8Array
  /** @throws when the bytes are no such message. */
  decode(bytes: Uint8Array): T
}

/** Finds a message type by its full name (`kong_plugin_protocol.String`). */
export function message<T extends object>(name: string): Message<T> {
  const type: Type = root.lookupType(name)
  return {
    encode: value => type.encode(value).finish(),
    decode: bytes => type.decode(bytes) as unknown as T,
  }
}

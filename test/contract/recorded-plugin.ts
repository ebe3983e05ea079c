import type { Pdk } from '../../gateway/plugin-server/pdk.ts'
import { pdk_methods } from '../../gateway/plugin-server/pdk-methods.ts'
import type { Exit, PdkMethod } from '../../gateway/plugin-server/pdk-methods.ts'
import { rpc_return } from '../../gateway/plugin-server/rpc.ts'
import type { RecordedCall } from './recording.ts'

type Call = (...args: readonly unknown[]) => Promise<unknown>

/** Makes a recorded call through the PDK that plugins get, and gives its result. */
export function makeCall(kong: Pdk, { method, argument }: RecordedCall): Promise<unknown> {
  const value: unknown = pdk_methods[method].argument.decode(argument)
  if (method === 'kong.response.exit') {
    const { status, body, headers } = value as Exit
    return kong.response.exit(status, body, headers)
  }
  const takes_list = method.startsWith('kong.log.') || method.endsWith('.set')
  const spread = Array.isArray(value) && (takes_list || method.endsWith('set_header'))
  return find(kong, method)(...(spread ? (value as unknown[]) : [value]))
}

/** `kong.service.request.set_header` is `service.request.setHeader`. */
function find(kong: Pdk, method: string): Call {
  const path = method.split('.').slice(1)
  const camel = path.map(word =>
    word.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  )
  const name = camel.pop() ?? ''
  let part: unknown = kong
  for (const step of camel) part = (part as Record<string, unknown>)[step]
  return (...args) =>
    (part as Record<string, Call>)[name]?.(...args) ?? Promise.reject(new Error(method))
}

/** What a frame of ours says: a method's name, its argument, or the answer to a call. */
export function decodeOurs(frame: Buffer, method: string): unknown {
  if (Object.hasOwn(pdk_methods, method)) {
    return pdk_methods[method as PdkMethod].argument.decode(frame)
  }
  const text = frame.toString()
  if (text === '' || Object.hasOwn(pdk_methods, text)) return text
  const { sequence, instance_status, plugin_info, plugin_names } = rpc_return.decode(frame)
  return {
    sequence: Number(sequence),
    name: instance_status?.name,
    instance_id: instance_status?.instance_id,
    started_at: Number(instance_status?.started_at),
    others: [plugin_info, plugin_names],
  }
}

/** What a plugin must get, from the recording's own decoding of Kong's reply. */
export function expectedResult({ reply, method }: RecordedCall): unknown {
  const decoded = (reply?.decoded ?? {}) as Record<string, unknown>
  if (method === 'kong.request.get_headers') return plainStruct(decoded)
  if (method === 'kong.ctx.shared.get') return plainValue(decoded)
  if (method === 'kong.request.get_raw_body') {
    const named = 'bodyFilepath' in decoded ? { body_filepath: decoded['bodyFilepath'] } : decoded
    if ('body_filepath' in named) return named
    return { content: Buffer.from(String(named['content']), 'base64') }
  }
  if ('v' in decoded) return decoded['v']
  const { reply: gives } = pdk_methods[method]
  return gives.decode(Buffer.alloc(0))
}

interface JsonValue {
  readonly stringValue?: string
  readonly numberValue?: number
  readonly boolValue?: boolean
  readonly structValue?: { readonly fields: Record<string, JsonValue> }
  readonly listValue?: { readonly values: readonly JsonValue[] }
}

function plainStruct({ fields }: { fields?: Record<string, JsonValue> }): Record<string, unknown> {
  const entries = Object.entries(fields ?? {})
  return Object.fromEntries(entries.map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: JsonValue): unknown {
  if (value.listValue) return value.listValue.values.map(plainValue)
  if (value.structValue) return plainStruct(value.structValue)
  return value.stringValue ?? value.numberValue ?? value.boolValue
}

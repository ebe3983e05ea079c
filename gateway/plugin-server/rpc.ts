import { message } from './protocol.ts'
import type { Int64 } from './protocol.ts'
import type { Value } from './values.ts'

/** A call of Kong's. Exactly one command is set; `call` names it. */
export interface RpcCall {
  readonly sequence: Int64
  readonly call?:
    | 'cmd_get_plugin_names'
    | 'cmd_get_plugin_info'
    | 'cmd_start_instance'
    | 'cmd_get_instance_status'
    | 'cmd_close_instance'
    | 'cmd_handle_event'
  readonly cmd_get_plugin_names?: Readonly<Record<string, never>>
  readonly cmd_get_plugin_info?: { readonly name: string }
  /** `config` is JSON. */
  readonly cmd_start_instance?: { readonly name: string; readonly config: Uint8Array }
  readonly cmd_get_instance_status?: { readonly instance_id: number }
  readonly cmd_close_instance?: { readonly instance_id: number }
  readonly cmd_handle_event?: { readonly instance_id: number; readonly event_name: string }
}

export interface PluginInfo {
  readonly name: string
  readonly phases: readonly string[]
  readonly version: string
  readonly priority: number
  /** JSON in Kong's schema language. */
  readonly schema: string
  readonly updated_at?: Int64
  readonly loaded_at?: Int64
}

export interface InstanceStatus {
  readonly name: string
  readonly instance_id: number
  /** Seconds since 1970. */
  readonly started_at?: Int64
  readonly config?: Value
}

/** The answer to a call, with the call's own sequence. An ended event answers with nothing else. */
export interface RpcReturn {
  readonly sequence: Int64
  readonly plugin_names?: { readonly names: readonly string[] }
  readonly plugin_info?: PluginInfo
  readonly instance_status?: InstanceStatus
}

export const rpc_call = message<RpcCall>('kong_plugin_protocol.RpcCall')
export const rpc_return = message<RpcReturn>('kong_plugin_protocol.RpcReturn')

import { correlation_id } from './correlation-id.ts'
import { cors } from './cors.ts'
import type { ExternalPlugin } from './external-plugin.ts'
import { file_log } from './file-log.ts'
import { post_function, pre_function } from './guards.ts'
import { http_log } from './http-log.ts'
import type { Start } from './native-plugin.ts'
import { readConfig } from './plugin-config.ts'
import type { Problem } from './plugin-config.ts'
import { prometheus } from './prometheus.ts'
import { rate_limiting_plugins } from './rate-limiting.ts'
import { request_size_limiting } from './request-size-limiting.ts'
import { response_transformer } from './response-transformer.ts'
import type { Environment } from './vault-reference.ts'

const NATIVE = [
  pre_function,
  correlation_id,
  cors,
  request_size_limiting,
  ...rate_limiting_plugins,
  response_transformer,
  prometheus,
  http_log,
  file_log,
  post_function,
]

interface Entity {
  readonly name: string
  readonly priority: number
  /** Checked, defaults filled in, references resolved. */
  readonly config: unknown
}

/** A plugin whose phases are here. */
export interface NativeEntity extends Entity {
  readonly kind: 'native'
  /** Where this differs from Kong. */
  readonly notice: string | undefined
  readonly start: Start
}

/** A plugin whose phases are in the plugin server. */
export interface ExternalEntity extends Entity {
  readonly kind: 'external'
  readonly config: Readonly<Record<string, unknown>>
}

/** One plugin at one place of the configuration. */
export type PluginEntity = (NativeEntity | ExternalEntity) & {
  /** `route:a`, `service:b`, or empty for the whole file. */
  readonly scope: string
}

/** What a configuration is read with, besides its text. */
export interface Surroundings {
  readonly environment: Environment
  readonly external_plugin: ExternalPlugin
}

/** Reads one plugin entry, or says everything that is wrong with it. */
export function readPlugin(
  name: string,
  config: unknown,
  { environment, external_plugin }: Surroundings,
): NativeEntity | ExternalEntity | { readonly problems: readonly Problem[] } {
  if (name === external_plugin.name) {
    const read = readConfig(external_plugin.config, config, environment)
    if ('problems' in read) return read
    return { kind: 'external', name, priority: external_plugin.priority, config: read.config }
  }
  const native = NATIVE.find(plugin => plugin.name === name)
  if (!native) {
    const known = [...NATIVE.map(plugin => plugin.name), external_plugin.name].sort().join(', ')
    const message = `the local gateway does not know the plugin '${name}'; it knows ${known}; run Kong for it`
    return { problems: [{ path: ['name'], message }] }
  }
  const read = native.read(config, environment)
  if ('problems' in read) return read
  return { kind: 'native', name, priority: native.priority, ...read }
}

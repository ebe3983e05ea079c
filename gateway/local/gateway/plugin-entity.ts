import { correlation_id } from './correlation-id.ts'
import { cors } from './cors.ts'
import type { Phases } from './exchange.ts'
import type { ExternalPlugin } from './external-plugin.ts'
import { post_function, pre_function } from './guards.ts'
import { readConfig } from './plugin-config.ts'
import type { Problem } from './plugin-config.ts'

const NATIVE = [pre_function, correlation_id, cors, post_function]

/** One plugin at one place of the configuration: its phases are here, or in the plugin server. */
export type PluginEntity = NativeEntity | ExternalEntity

export interface NativeEntity {
  readonly kind: 'native'
  readonly name: string
  readonly priority: number
  /** Where this differs from Kong. */
  readonly notice: string | undefined
  readonly phases: Phases
}

export interface ExternalEntity {
  readonly kind: 'external'
  readonly name: string
  readonly priority: number
  /** Checked, defaults filled in, references resolved. */
  readonly config: Readonly<Record<string, unknown>>
}

/** What a configuration is read with, besides its text. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly external_plugin: ExternalPlugin
}

/** Reads one plugin entry, or says everything that is wrong with it. */
export function readPlugin(
  name: string,
  config: unknown,
  { environment, external_plugin }: Surroundings,
): PluginEntity | { readonly problems: readonly Problem[] } {
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
  const read = native.read(config)
  if ('error' in read) {
    return {
      problems: read.error.issues.map(issue => ({ ...issue, path: ['config', ...issue.path] })),
    }
  }
  const { priority, notice } = native
  return { kind: 'native', name, priority, notice, phases: read.phases }
}

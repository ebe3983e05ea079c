import type { PluginModule } from './plugin.ts'

/** A plugin as Kong's query command tells it. */
export interface PluginDescription {
  readonly Name: string
  readonly Version: string
  readonly Priority: number
  readonly Phases: readonly string[]
  readonly Schema: {
    readonly name: string
    readonly fields: readonly [
      { readonly config: { readonly type: 'record'; readonly fields: PluginModule['Schema'] } },
    ]
  }
}

export function describePlugin(module: PluginModule): PluginDescription {
  return {
    Name: module.Name,
    Version: module.Version,
    Priority: module.Priority,
    Phases: ['access'],
    Schema: {
      name: module.Name,
      fields: [{ config: { type: 'record', fields: module.Schema } }],
    },
  }
}

/** What Kong's query command (`pluginserver_<name>_query_cmd`) prints: one line of JSON. */
export function dump(module: PluginModule): string {
  return JSON.stringify({ Protocol: 'ProtoBuf:1', Plugins: [describePlugin(module)] })
}

import type { Pdk } from './pdk.ts'

/** One configured plugin entity of Kong. */
export interface PluginInstance {
  access(kong: Pdk): Promise<void>
  /** Called once when Kong closes the instance or the plugin server ends. */
  close?(): Promise<void>
}

/** What a plugin's `index.ts` exports; the names are kong-pdk's. */
export interface PluginModule {
  readonly Name: string
  readonly Version: string
  /** Kong runs plugins of a phase in descending priority. */
  readonly Priority: number
  /** The fields of Kong's `config` record, each an object with one member: the field's name. */
  readonly Schema: readonly Readonly<Record<string, unknown>>[]
  /** Throws when the configuration is wrong: Kong then answers 500 to every request of that entity. */
  readonly Plugin: new (config: unknown) => PluginInstance
}

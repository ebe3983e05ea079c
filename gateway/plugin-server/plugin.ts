import type { Registry } from 'prom-client'

import type { Pdk } from './pdk.ts'

/** One configured plugin entity of Kong. */
export interface PluginInstance {
  access(kong: Pdk): Promise<void>
  /**
   * Resolves when requests can be decided about, whatever the decision; rejects with the reason for
   * an operator, who reads it at `/readyz`: nothing secret belongs in it.
   */
  ready?(): Promise<void>
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
  /** Metrics of the plugin's own: a registry of prom-client, or what gives the same. */
  readonly Metrics?: Pick<Registry, 'getMetricsAsJSON'>
  /** Throws when the configuration is wrong: Kong then answers 500 to every request of that entity. */
  readonly Plugin: new (config: unknown) => PluginInstance
}

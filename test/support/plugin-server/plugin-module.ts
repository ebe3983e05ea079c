import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import type { PluginInstance, PluginModule } from '../../../gateway/plugin-server/plugin.ts'

/** A plugin module around one access phase; `start` sees the configuration of each instance. */
export function pluginModule(
  access: (kong: Pdk) => Promise<void>,
  {
    start,
    close,
    name = 'pbtest',
  }: { start?: (config: unknown) => void; close?: () => Promise<void>; name?: string } = {},
): PluginModule {
  return {
    Name: name,
    Version: '1.2.3',
    Priority: 1050,
    Schema: [{ issuer: { type: 'string', required: true } }],
    Plugin: class implements PluginInstance {
      constructor(config: unknown) {
        start?.(config)
      }
      access(kong: Pdk): Promise<void> {
        return access(kong)
      }
      async close(): Promise<void> {
        await close?.()
      }
    },
  }
}

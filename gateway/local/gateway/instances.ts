import type { Instance, Log } from './exchange.ts'
import type { ExternalEntity, PluginEntity } from './plugin-entity.ts'
import type { Parts } from './native-plugin.ts'

/** The plugins at work. One that two configurations have in common serves them both. */
export interface Instances {
  /** The instance for an entity: one that runs with the very same settings, or a new one. */
  acquire(entity: PluginEntity): Instance
  /** Whether the settings of an acquired entity are at work already, for another configuration. */
  isShared(entity: PluginEntity): boolean
  /** Takes back one `acquire`; the last one closes the instance. Never rejects. */
  release(entity: PluginEntity): Promise<void>
}

export function createInstances(
  parts: Parts,
  startExternal: (entity: ExternalEntity) => Instance,
  log: Log,
): Instances {
  const running = new Map<string, { readonly instance: Instance; users: number }>()
  const start = (entity: PluginEntity): Instance =>
    entity.kind === 'native' ? entity.start(parts, entity.scope) : startExternal(entity)
  return {
    acquire(entity) {
      const key = keyOf(entity)
      const found = running.get(key) ?? { instance: start(entity), users: 0 }
      found.users += 1
      running.set(key, found)
      return found.instance
    },
    isShared: entity => (running.get(keyOf(entity))?.users ?? 0) > 1,
    async release(entity) {
      const key = keyOf(entity)
      const found = running.get(key)
      if (!found) return
      found.users -= 1
      if (found.users > 0) return
      running.delete(key)
      try {
        await found.instance.close?.()
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log({ msg: 'plugin did not close', level: 'warn', plugin: entity.name, reason })
      }
    },
  }
}

function keyOf({ config, name, scope }: PluginEntity): string {
  return JSON.stringify([name, scope, config])
}

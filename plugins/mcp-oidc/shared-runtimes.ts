import type { ParsedConfig } from './config/settings.ts'
import type { Runtime } from './runtime.ts'

export interface Lease {
  readonly runtime: Runtime
  /** Gives it back; the last one to do so closes it. */
  release(): Promise<void>
}

/**
 * Kong starts one instance per plugin entity and nginx worker: those with equal settings share one
 * pool, one provider and one set of caches.
 */
export function shareRuntimes(
  create: (config: ParsedConfig) => Runtime,
): (config: ParsedConfig) => Lease {
  const shared = new Map<string, { readonly runtime: Runtime; users: number }>()
  return config => {
    const { digest } = config
    const entry = shared.get(digest) ?? { runtime: create(config), users: 0 }
    shared.set(digest, entry)
    entry.users += 1
    let released = false
    return {
      runtime: entry.runtime,
      async release() {
        if (released) return
        released = true
        entry.users -= 1
        if (entry.users > 0) return
        shared.delete(digest)
        await entry.runtime.close()
      },
    }
  }
}

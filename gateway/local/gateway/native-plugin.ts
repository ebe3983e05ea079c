import type { z } from 'zod'
import type { Instance, Log } from './exchange.ts'
import type { KongMetrics } from './kong-metrics.ts'
import { readNativeConfig } from './native-config.ts'
import type { Problem } from './plugin-config.ts'
import type { Counters } from './rate-limit-counters.ts'
import type { Environment } from './vault-reference.ts'

/** What the plugins of a gateway share; it outlives a reload. */
export interface Parts {
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The counters of `policy: local`. */
  readonly counters: Counters
  readonly metrics: KongMetrics
  /** A line for standard output or standard error, when a plugin is told to write to these. */
  readonly print: (line: string, path: '/dev/stdout' | '/dev/stderr') => void
}

/** Starts a plugin for one entity; `scope` says where that is: `route:a`, `service:b`, or empty. */
export type Start = (parts: Parts, scope: string) => Instance

export interface ReadPlugin {
  /** Checked, defaults filled in, references resolved. */
  readonly config: unknown
  /** What an operator should know: where this differs from Kong. */
  readonly notice: string | undefined
  readonly start: Start
}

/** A plugin of Kong's own that the local gateway does itself. */
export interface NativePlugin {
  readonly name: string
  /** Kong's. */
  readonly priority: number
  /** Checks the configuration, or says what is wrong. Starts nothing. */
  read(
    given: unknown,
    environment: Environment,
  ): ReadPlugin | { readonly problems: readonly Problem[] }
}

export function nativePlugin<S extends z.ZodType>(definition: {
  readonly name: string
  readonly priority: number
  readonly notice?: string | ((config: z.output<S>) => string | undefined)
  readonly config: S
  /** Fields in which Kong resolves references. */
  readonly referenceable?: readonly string[]
  readonly start: (config: z.output<S>, parts: Parts, scope: string) => Instance
}): NativePlugin {
  const { name, priority, notice, config: schema, referenceable = [], start } = definition
  return {
    name,
    priority,
    read(given, environment) {
      const read = readNativeConfig(schema, given, referenceable, environment)
      if ('problems' in read) return read
      const { config } = read
      return {
        config,
        notice: typeof notice === 'function' ? notice(config) : notice,
        start: (parts, scope) => start(config, parts, scope),
      }
    },
  }
}

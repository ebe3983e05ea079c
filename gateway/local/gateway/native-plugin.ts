import type { z } from 'zod'
import type { Phases } from './exchange.ts'

/** A plugin of Kong's own that the local gateway does itself. */
export interface NativePlugin {
  readonly name: string
  /** Kong's. */
  readonly priority: number
  /** What an operator should know: where this differs from Kong. */
  readonly notice?: string
  /** Checks the configuration and prepares the phases, or says what is wrong. */
  read(given: unknown): { readonly phases: Phases } | { readonly error: z.ZodError }
}

export function nativePlugin<S extends z.ZodType>(definition: {
  readonly name: string
  readonly priority: number
  readonly notice?: string
  readonly config: S
  readonly start: (config: z.output<S>) => Phases
}): NativePlugin {
  const { config, start, ...described } = definition
  return {
    ...described,
    read(given) {
      const parsed = config.safeParse(given)
      return parsed.success ? { phases: start(parsed.data) } : { error: parsed.error }
    },
  }
}

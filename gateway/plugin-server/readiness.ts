import type { Logger } from 'pino'

import { describeError } from './describe-error.ts'
import type { Instances } from './instances.ts'

export interface ReadinessOptions {
  readonly instances: Instances
  readonly ending: () => boolean
  readonly log: Logger
  /** How long an instance may take to answer, in milliseconds. */
  readonly patience?: number
}

/** A prober asks again; Kubernetes gives up after one second unless told otherwise. Milliseconds. */
const default_patience = 3_000

/**
 * Why requests should not be sent here, for an operator; empty when they should. Kong starts
 * instances with the first request, so having none is no reason; having only ones whose
 * configuration was refused is.
 */
export async function readinessProblems(options: ReadinessOptions): Promise<readonly string[]> {
  const { instances, ending, log, patience = default_patience } = options
  if (ending()) return ['the plugin server is ending']
  const running = instances.running()
  if (running.length > 0 && !running.some(({ configured }) => configured))
    return ['no configuration of the plugin is usable: the log says why']
  const reasons = await Promise.all(
    running.map(async ({ id, plugin }) => {
      try {
        await inTime(plugin.ready?.() ?? Promise.resolve(), patience)
        return []
      } catch (err) {
        log.warn({ error: describeError(err), instance_id: id }, 'a plugin instance is not ready')
        return [err instanceof Error ? err.message : String(err)]
      }
    }),
  )
  return [...new Set(reasons.flat())]
}

async function inTime(work: Promise<void>, patience: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`a plugin instance did not say within ${patience} ms whether it is ready`))
  }, patience)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

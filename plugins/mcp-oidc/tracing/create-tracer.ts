import type { Log } from '../log.ts'
import { type Tracer, untraced } from './tracer.ts'

/** What tracing needs is loaded only where there is an endpoint for spans. */
export function createTracer(endpoint: string | undefined, log: Log): Tracer {
  if (endpoint === undefined) return untraced
  const loaded = import('./otlp.ts').then(
    ({ createOtlpTracer }) => createOtlpTracer(endpoint, log),
    (error: unknown) => {
      log.error({ err: error }, 'no traces: what they need could not be loaded')
      return untraced
    },
  )
  return {
    request: async (...given) => (await loaded).request(...given),
    part: async (...given) => (await loaded).part(...given),
    close: async () => (await loaded).close(),
  }
}
